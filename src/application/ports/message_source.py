"""The message source: where deliveries come from, and where their outcome goes."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Protocol

from attrs import frozen

from application.event_message import Submission
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


@frozen(kw_only=True)
class Arrival:
    """An event that another program put on the queue: not in the log yet, so it is recorded and not applied."""

    submission: Submission
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
    NOT_TRIED = auto()
    """What it needs is out of reach; deliver it again after a delay, without counting this as an attempt."""
    DEAD = auto()
    """It can never be applied; keep it among the dead letters."""


@frozen(kw_only=True)
class Settled:
    """A delivery and its outcome. `error` is set unless it was applied."""

    delivery: Delivery | Arrival
    verdict: Verdict
    error: PenchantError | None = None


class Capability(StrEnum):
    """What a message source can promise beyond the contract below. What one lacks, the worker and `doctor` say."""

    DURABLE = "messages survive a restart of the broker"
    CONFIRMED = "the broker says when it has a message for good"
    ROUTED = "a message that no queue takes is an error"
    DELAYED = "retries wait on the broker, and their count survives a restart of the worker"
    RETRIED_SAFELY = "no retry is lost on its way back to the work queue, whatever goes down meanwhile"
    RETURNED_AT_ONCE = "what a dead worker held goes to others at once"
    GUARDED = "the broker controls who may publish positions"


class MessageSource(Protocol):
    """Hands out deliveries, and forgets one only when it is settled.

    A message that can never become a delivery (not an event, too large) is put among the dead letters by the source
    itself and handed out to nobody. All calls raise UnavailableError when the source cannot be reached; what was not
    settled comes again.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this source promises beyond this contract."""

    def receive(
        self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0
    ) -> Sequence[Delivery | Arrival]:
        """Up to `limit` deliveries, oldest first; none when nothing was due within `wait_seconds`.

        Once there is one, wait up to `linger_seconds` for others to come along with it.
        """

    def settle(self, outcomes: Sequence[Settled]) -> None:
        """Forget the applied, bring the later and the not tried ones back after a delay, bury the dead.

        Settling twice is harmless. What was received before the connection was lost and is settled after it may come
        again.
        """

    def close(self) -> None:
        """Give back what was received and not settled, and let go of the connection. The next call opens it again."""
