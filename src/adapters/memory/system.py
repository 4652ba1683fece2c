"""A clock that stands still until it is moved, ids that count, and counters that can be read."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta

REMEMBERED = 10_000
"""Observations of a distribution that are kept: the latest."""


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


class ManualStop:
    """Asked to end when a test says so; whoever waits moves the clock on instead."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.asked = False

    def wait(self, seconds: float) -> bool:
        if not self.asked:
            self._clock.advance(timedelta(seconds=seconds))
        return self.asked


class FixedProcess:
    """Holds as much memory as a test says."""

    def __init__(self) -> None:
        self.memory = 0

    def memory_bytes(self) -> int:
        return self.memory


class RememberedJournal:
    """Keeps what was told: action, sentence and fields, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, dict[str, object]]] = []

    def info(self, action: str, sentence: str, **fields: object) -> None:
        self.entries.append((action, sentence, fields))

    def warning(self, action: str, sentence: str, **fields: object) -> None:
        self.entries.append((action, sentence, fields))


class CountingIds:
    """id-1, id-2, …"""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        self._count += 1
        return f"id-{self._count}"


class CountingMetrics:
    """Counters, distributions and gauges by name and labels."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.observations: dict[str, deque[float]] = {}
        self.gauges: dict[str, float] = {}

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self.counters[_series(name, labels)] += amount

    def observe(self, name: str, value: float, times: int = 1, **labels: str) -> None:
        self.observations.setdefault(_series(name, labels), deque(maxlen=REMEMBERED)).extend([value] * times)

    def set(self, name: str, value: float, **labels: str) -> None:
        self.gauges[_series(name, labels)] = value


def _series(name: str, labels: Mapping[str, str]) -> str:
    return name + "".join(f'{{{key}="{value}"}}' for key, value in sorted(labels.items()))
