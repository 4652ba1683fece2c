"""A clock that stands still until it is moved, ids that count, and counters that can be read."""

from collections import Counter
from datetime import datetime, timedelta


class ManualClock:
    """Shows the time it was given, until `advance` moves it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._start = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> None:
        """Move the time."""
        self._now += by


class CountingIds:
    """id-1, id-2, …"""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        self._count += 1
        return f"id-{self._count}"


class CountingMetrics:
    """Counters by name and labels."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        suffix = "".join(f'{{{key}="{value}"}}' for key, value in sorted(labels.items()))
        self.counters[name + suffix] += amount
