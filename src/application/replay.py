"""Replaying: logged events are published again. On a healthy system that changes nothing."""

from collections.abc import Callable

from application.brake import DEEPEST, Brake
from application.ports.event_log import EventLog, LogFilter
from application.ports.outbox import Outbox


class Replay:
    """Puts logged events into the outbox once more, and waits while that holds more than about `deepest` rows."""

    def __init__(self, log: EventLog, outbox: Outbox, deepest: int = DEEPEST) -> None:
        self._log = log
        self._outbox = outbox
        self._deepest = deepest

    def __call__(
        self,
        events: LogFilter,
        on_events: Callable[[int], None] | None = None,
        when_deep: Callable[[int], None] | None = None,
    ) -> int:
        """Replay all that match; return how many; tell `on_events` how many each step did.

        While the outbox is too deep, `when_deep` is called with its depth, again and again: it waits, or drains it.
        Without it nobody waits.
        """
        replayed = 0
        brake = Brake(self._outbox, self._deepest)
        for page in self._log.matching(events):
            while when_deep is not None and brake.is_on:
                when_deep(brake.depth)
            self._outbox.add(page)
            brake.added(len(page))
            replayed += len(page)
            if on_events is not None:
                on_events(len(page))
        return replayed

    def count(self, events: LogFilter) -> int:
        """How many a call would replay."""
        return self._log.count_matching(events)
