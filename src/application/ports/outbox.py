"""The outbox: events on their way from the log to whoever applies them."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from application.ports.message_source import Delivery
from domain.interaction import LoggedEvent


class Outbox(Protocol):
    """Rows that the log's transaction adds. A row leaves only when it is deleted; whoever dies before leaves it there.

    An event may have several rows. A row is handed out as a delivery whose tag is the id of the row.

    All calls raise TransientError when the outbox cannot be reached.
    """

    def add(self, events: Collection[LoggedEvent]) -> None:
        """Add a row for each of these logged events once more."""

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """The oldest rows that are not postponed beyond `now`. Two readers may get the same rows."""

    def handing_over(self, now: datetime, limit: int) -> AbstractContextManager[Sequence[Delivery]]:
        """The same rows for a relay: deleted when the block ends, left as they are when it raises.

        Where the database can lock rows, others who hand over at the same time get other rows. Where it cannot, two
        may hand over the same ones.
        """

    def delete(self, row_ids: Collection[int]) -> None:
        """Delete these rows; ids that are gone already are no error."""

    def postpone(self, row_ids: Collection[int], until: datetime, now: datetime, counted: bool = True) -> None:
        """Leave these rows for later, and count the attempt unless it is not to be `counted`."""

    def depth(self) -> int:
        """How many rows there are, postponed ones too."""
