"""Time, randomness, measurements and what is told to operators: passed in, so that tests can hold them still."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present time, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back."""


class Stop(Protocol):
    """Whether this process has been asked to come to an end."""

    @property
    def asked(self) -> bool:
        """Whether it has."""

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until it is asked to end; return whether it has been."""


class Process(Protocol):
    """The process that this runs in."""

    def memory_bytes(self) -> int:
        """The memory that it holds now (resident set)."""


class Ids(Protocol):
    """Fresh random names."""

    def new(self) -> str:
        """A text of at most 36 characters that nobody had before."""


class Metrics(Protocol):
    """Counts and measurements of what happened."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add `amount` to the counter `name` with these labels."""

    def observe(self, name: str, value: float, times: int = 1, **labels: str) -> None:
        """Put `value`, seen that many times, into the distribution `name` with these labels. Units are in the name."""

    def set(self, name: str, value: float, **labels: str) -> None:
        """Let the gauge `name` with these labels show `value`."""


class Journal(Protocol):
    """What operators read. Never a phrase, a body, a key or a password."""

    def info(self, action: str, sentence: str, **fields: object) -> None:
        """Something happened: a stable name for it, one sentence, and facts."""

    def warning(self, action: str, sentence: str, **fields: object) -> None:
        """Something happened that somebody should know of."""
