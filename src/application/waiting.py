"""What of a user is recorded and not applied: on its way, or waiting for a product."""

from attrs import frozen

from application.ports.event_log import EventLog
from application.ports.product_catalogue import ProductCatalogue
from domain.interaction import Interaction
from domain.user_embedding import UserEmbedding


@frozen(kw_only=True)
class Waiting:
    """How many events of a user are not applied, and the products not in the catalogue that any of them are about."""

    events: int
    product_ids: tuple[str, ...] = ()


def waiting_events(state: UserEmbedding, log: EventLog, catalogue: ProductCatalogue) -> Waiting:
    """What a state has not applied of the log."""
    if log.heads_of([state.user_id]).get(state.user_id, 0) == len(state.applied):
        return Waiting(events=0)
    events = [
        logged for page in log.history([state.user_id]) for logged in page if logged.position not in state.applied
    ]
    about = {
        logged.event.product_id
        for logged in events
        if isinstance(logged.event, Interaction) and logged.event.product_id is not None
    }
    return Waiting(events=len(events), product_ids=tuple(sorted(catalogue.unknown(about))))
