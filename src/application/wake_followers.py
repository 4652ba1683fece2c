"""Waking those who follow the embeddings: a rebuild writes states without an event that would tell them."""

from collections.abc import Sequence

from application.ports.event_log import EventLog
from application.ports.outbox import Outbox


class WakeFollowers:
    """Sends the last event of each user on its way again: whoever has applied it drops it, and who follows looks."""

    def __init__(self, log: EventLog, outbox: Outbox) -> None:
        self._log = log
        self._outbox = outbox

    def __call__(self, user_ids: Sequence[str]) -> None:
        """Wake the followers of these users. Of one who has no event, they hear by their next catch-up."""
        for page in self._log.last_events(self._log.heads_of(user_ids), 1):
            self._outbox.add(page)


def nobody_follows(_: Sequence[str]) -> None:
    """Where there is nobody to wake."""
