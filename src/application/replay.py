"""Replaying: logged events are published again. On a healthy system that changes nothing."""

from collections.abc import Callable

from application.ports.event_log import EventLog, LogFilter
from application.ports.outbox import Outbox


class Replay:
    """Puts logged events into the outbox once more."""

    def __init__(self, log: EventLog, outbox: Outbox) -> None:
        self._log = log
        self._outbox = outbox

    def __call__(self, events: LogFilter, on_events: Callable[[int], None] | None = None) -> int:
        """Replay all that match; return how many; tell `on_events` how many each step did."""
        replayed = 0
        for page in self._log.matching(events):
            self._outbox.add(page)
            replayed += len(page)
            if on_events is not None:
                on_events(len(page))
        return replayed

    def count(self, events: LogFilter) -> int:
        """How many a call would replay."""
        return self._log.count_matching(events)
