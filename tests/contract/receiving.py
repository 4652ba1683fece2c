"""Receiving from sources that may be slow, without waiting where nothing is on its way."""

from collections.abc import Sequence

from application.ports.message_source import Arrival, Delivery, MessageSource, Settled, Verdict
from domain.errors import PenchantError, PermanentError, TransientError
from tests.builders import searched
from tests.contract.source_side import SourceSide

MARKER = "the last one"


def received(source: MessageSource, count: int, patience_seconds: float) -> list[Delivery | Arrival]:
    """`count` deliveries; fewer if they have not come in time."""
    deliveries = list(source.receive(count, wait_seconds=patience_seconds))
    while patience_seconds and len(deliveries) < count:
        more = source.receive(count - len(deliveries), wait_seconds=patience_seconds)
        if not more:
            break
        deliveries += more
    return deliveries


def ids(deliveries: Sequence[Delivery | Arrival]) -> list[str]:
    """Their message ids."""
    return [(d.submission.event if isinstance(d, Arrival) else d.logged.event).message_id for d in deliveries]


def still_coming(side: SourceSide) -> list[str]:
    """The message ids of all that comes before what is sent now."""
    side.send([searched(MARKER)])
    came: list[str] = []
    while MARKER not in came:
        more = side.source.receive(100, wait_seconds=side.patience_seconds)
        assert more, f"what was sent last has not come, only {came}"
        came += ids(more)
    return came[: came.index(MARKER)]


def applied(deliveries: Sequence[Delivery | Arrival]) -> list[Settled]:
    """These, applied."""
    return [Settled(delivery=delivery, verdict=Verdict.APPLIED) for delivery in deliveries]


def later(deliveries: Sequence[Delivery | Arrival], text: str = "The service is away.") -> list[Settled]:
    """These, to be tried again."""
    return [Settled(delivery=d, verdict=Verdict.LATER, error=TransientError(text)) for d in deliveries]


def not_tried(deliveries: Sequence[Delivery | Arrival], error: PenchantError) -> list[Settled]:
    """These, which nobody could try."""
    return [Settled(delivery=d, verdict=Verdict.NOT_TRIED, error=error) for d in deliveries]


def dead(deliveries: Sequence[Delivery | Arrival], text: str = "It never works.") -> list[Settled]:
    """These, given up."""
    return [Settled(delivery=d, verdict=Verdict.DEAD, error=PermanentError(text)) for d in deliveries]
