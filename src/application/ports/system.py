"""Time, randomness and measurements: passed in, so that tests can hold them still."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present time, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back."""


class Ids(Protocol):
    """Fresh random names."""

    def new(self) -> str:
        """A text of at most 36 characters that nobody had before."""


class Metrics(Protocol):
    """Counts of what happened."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add `amount` to the counter `name` with these labels."""
