"""Catching up in turn: of many workers one does it, a piece at a time beside its batches."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from application.catch_up import DEFAULT_AGE, CatchUpReport
from application.ports.outbox import Outbox
from application.ports.registry import Registry
from application.ports.system import Clock
from application.work import Work

CAUGHT_UP = "caught_up_at"
"""The registry holds under this name when somebody last began, or was about it still."""


class CatchesUp(Protocol):
    """What catches up in pieces."""

    def pieces(self) -> Iterator[CatchUpReport | None]:
        """Catch up with what is older than DEFAULT_AGE, some users at a time; None while it has to wait."""


class CatchUpInTurn:
    """Catches up when nobody has for a while, so that of many workers one does it.

    Not while what is on its way is old itself: what is late is not lost, and would be sent once more at each turn.

    Parameters
    ----------
    mark : the name under which the workers of one consumer tell each other.
    """

    def __init__(
        self,
        catch_up: CatchesUp,
        outbox: Outbox,
        registry: Registry,
        clock: Clock,
        every: timedelta,
        work: Work,
        mark: str = CAUGHT_UP,
    ) -> None:
        self._catch_up = catch_up
        self._outbox = outbox
        self._work = work
        self._registry = registry
        self._clock = clock
        self._every = every
        self._mark = mark

    def __call__(self) -> Iterator[CatchUpReport | None]:
        """Catch up piece by piece, if it is time; None while it has to wait."""
        now = self._clock.now()
        last = self._registry.get(self._mark)
        # A time ahead of us is that of a clock that was wrong.
        if last is not None and timedelta(0) <= now - datetime.fromisoformat(last) < self._every:
            return
        begun = now.isoformat()
        if self._is_late(now) or not self._registry.replace(self._mark, last, begun):
            return
        for report in self._catch_up.pieces():
            yield report
            renewed = self._renewed(begun)
            if renewed is None:
                return
            begun = renewed

    def _renewed(self, begun: str) -> str | None:
        """The time, a newer one before others take it for left behind; None where somebody has taken over."""
        now = self._clock.now()
        if now - datetime.fromisoformat(begun) < self._every / 2:
            return begun
        newer = now.isoformat()
        return newer if self._registry.replace(self._mark, begun, newer) else None

    def _is_late(self, now: datetime) -> bool:
        waiting = [delivery.logged.recorded_at for delivery in self._outbox.due(now, 1)]
        return self._work.lag > DEFAULT_AGE or any(now - recorded_at > DEFAULT_AGE for recorded_at in waiting)
