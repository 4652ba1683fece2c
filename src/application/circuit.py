"""A circuit: how long to leave a part alone that is out of reach or asked for a pause."""

from threading import Lock

from domain.errors import UnavailableError

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

TIMES_THE_WAIT = 4
"""A part that keeps its callers waiting before it fails is left alone for so many times as long: then they spend a
fifth of their time on it at the most."""


class Circuit:
    """Opens at a failure, for twice as long at each further one, or as long as the part asked for if that is longer, or
    for a multiple of the time that it kept its caller waiting.

    After the pause the part may be tried again, carefully: until that succeeds, the circuit counts as open. Failures
    during a pause (of requests that were under way when it began) are the same outage: they make the pause no longer
    than they ask for themselves. `now` is a reading of a monotonic clock, in seconds. Threads may share it.
    """

    def __init__(
        self,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        self._lock = Lock()
        self._first_pause = first_pause_seconds
        self._longest_pause = longest_pause_seconds
        self._next_pause = first_pause_seconds
        self._until: float | None = None
        self._text = ""

    @property
    def is_open(self) -> bool:
        """Whether it failed and has not succeeded since."""
        return self._until is not None

    def closed_again_in(self, now: float) -> float:
        """Seconds until the part may be tried; 0 if it may be now."""
        until = self._until
        return max(0.0, until - now) if until is not None else 0.0

    def error(self, now: float) -> UnavailableError | None:
        """What it failed with, and how long it is to be left alone still; None if it may be tried now."""
        remaining = self.closed_again_in(now)
        return UnavailableError(self._text, remaining) if remaining > 0 else None

    def failed(self, now: float, error: UnavailableError, waited_seconds: float = 0.0) -> None:
        """The part was tried and is out of reach, which took `waited_seconds` to find out."""
        asked = error.retry_after_seconds if error.retry_after_seconds is not None else 0.0
        with self._lock:
            if self._until is not None and now < self._until:
                self._until = max(self._until, now + asked)
            else:
                self._until = now + max(self._next_pause, asked, TIMES_THE_WAIT * waited_seconds)
                self._next_pause = min(2 * self._next_pause, self._longest_pause)
            self._text = str(error)

    def succeeded(self) -> None:
        """The part was tried and has answered: there is no pause any more, and the next one is short again."""
        with self._lock:
            self._until = None
            self._next_pause = self._first_pause
