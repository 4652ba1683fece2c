"""Catching up in turn: of many workers one does it, a piece at a time beside its batches."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.catch_up import DEFAULT_AGE, CatchUp, CatchUpReport
from application.ports.outbox import Outbox
from application.ports.registry import Registry
from application.ports.system import Clock
from application.work import Work

CAUGHT_UP = "caught_up_at"
"""The registry holds under this name when somebody last began, or was about it still."""

LOOK_SECONDS = 1.0
"""How often a deep outbox is looked at again."""


class CatchUpInTurn:
    """Catches up when nobody has for a while, so that of many workers one does it.

    Not while what is on its way is old itself: what is late is not lost, and would be sent once more at each turn.
    """

    def __init__(
        self,
        catch_up: CatchUp,
        outbox: Outbox,
        registry: Registry,
        clock: Clock,
        every: timedelta,
        work: Work,
    ) -> None:
        self._catch_up = catch_up
        self._outbox = outbox
        self._work = work
        self._registry = registry
        self._clock = clock
        self._every = every

    def __call__(self) -> Iterator[CatchUpReport | None]:
        """Catch up piece by piece, if it is time; None while the outbox is too deep to go on."""
        now = self._clock.now()
        last = self._registry.get(CAUGHT_UP)
        # A mark ahead of us is that of a clock that was wrong.
        if last is not None and timedelta(0) <= now - datetime.fromisoformat(last) < self._every:
            return
        mark = now.isoformat()
        if self._is_late(now) or not self._registry.replace(CAUGHT_UP, last, mark):
            return
        brake = self._catch_up.brake()
        for report in self._catch_up.pieces():
            yield report
            brake.added(report.events)
            while brake.is_on:
                yield from self._pause()
            renewed = self._renewed(mark)
            if renewed is None:
                return
            mark = renewed

    def _pause(self) -> Iterator[None]:
        end = self._clock.monotonic() + LOOK_SECONDS
        while self._clock.monotonic() < end:
            yield None

    def _renewed(self, mark: str) -> str | None:
        """The mark, a newer one in time before others take it for left behind; None where somebody has taken over."""
        now = self._clock.now()
        if now - datetime.fromisoformat(mark) < self._every / 2:
            return mark
        newer = now.isoformat()
        return newer if self._registry.replace(CAUGHT_UP, mark, newer) else None

    def _is_late(self, now: datetime) -> bool:
        waiting = [delivery.logged.recorded_at for delivery in self._outbox.due(now, 1)]
        return self._work.lag > DEFAULT_AGE or any(now - recorded_at > DEFAULT_AGE for recorded_at in waiting)
