"""The outbox: events on their way from the log to whoever applies them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from application.ports.message_source import Delivery
from domain.interaction import LoggedEvent


class Outbox(Protocol):
    """Rows that the log's transaction adds. A row leaves only by `delete`; whoever dies before leaves it there.

    An event may have several rows. A row is handed out as a delivery whose tag is the id of the row.

    All calls raise TransientError when the outbox cannot be reached.
    """

    def add(self, events: Collection[LoggedEvent]) -> None:
        """Add a row for each of these logged events once more."""

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """The oldest rows that are not postponed beyond `now`. Two readers may get the same rows."""

    def delete(self, row_ids: Collection[int]) -> None:
        """Delete these rows; ids that are gone already are no error."""

    def postpone(self, row_ids: Collection[int], until: datetime, now: datetime) -> None:
        """Leave these rows for later, and count the attempt."""

    def depth(self) -> int:
        """How many rows there are, postponed ones too."""
