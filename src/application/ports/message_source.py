"""The message source: where deliveries come from, and where their outcome goes."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from attrs import frozen

from domain.errors import PenchantError
from domain.interaction import LoggedEvent


@frozen(kw_only=True)
class Delivery:
    """A logged event, handed out to be applied. The same event may be delivered any number of times, in any order."""

    logged: LoggedEvent
    tag: int
    """The source's own mark of this delivery."""
    attempts: int = 0
    """How often it failed before."""
    first_failed_at: datetime | None = None


class Verdict(Enum):
    """What became of a delivery."""

    APPLIED = auto()
    """Its effect is stored for good, or it waits for its product and comes again with it."""
    LATER = auto()
    """It failed for now; deliver it again after a delay."""
    DEAD = auto()
    """It can never be applied; keep it among the dead letters."""


@frozen(kw_only=True)
class Settled:
    """A delivery and its outcome. `error` is set unless it was applied."""

    delivery: Delivery
    verdict: Verdict
    error: PenchantError | None = None


class MessageSource(Protocol):
    """Hands out deliveries, and forgets one only when it is settled.

    All calls raise TransientError when the source cannot be reached; what was not settled comes again.
    """

    def receive(self, limit: int) -> Sequence[Delivery]:
        """Up to `limit` deliveries, oldest first; none when nothing is due now."""

    def settle(self, outcomes: Sequence[Settled]) -> None:
        """Forget the applied, bring the later ones back after a delay, move the dead to the dead letters."""
