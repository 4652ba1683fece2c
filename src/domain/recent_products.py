"""What a user has had to do with lately."""

from collections.abc import Iterable

from domain.applied_positions import AppliedPositions
from domain.interaction import Interaction, LoggedEvent

RECENT_EVENTS = 20
"""So many of the last positions of a user are looked at."""
RECENT_PRODUCTS = 10
"""So many products are named at the most."""


def recent_products(events: Iterable[LoggedEvent], applied: AppliedPositions) -> tuple[str, ...]:
    """The products of these events of one user, the last recorded first, each once.

    Only of events that are applied and not taken back by one that is.
    """
    latest: dict[str, None] = {}
    for logged in sorted(events, key=lambda logged: logged.position, reverse=True):
        event = logged.event
        if not isinstance(event, Interaction) or event.product_id is None or logged.position not in applied:
            continue
        if logged.retracted_by is None or logged.retracted_by not in applied:
            latest.setdefault(event.product_id)
    return tuple(latest)[:RECENT_PRODUCTS]
