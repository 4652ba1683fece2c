"""Who is to be recommended something, and what is known of that user."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Protocol

from attrs import field, frozen

from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.interaction import EventType, Interaction
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding


@frozen(kw_only=True, eq=False)
class Shopper:
    """A user. Of one who is new nothing is known but the id.

    Parameters
    ----------
    state : the stored one; None without one of our recipe.
    interactions : what the user did and did not take back, the last recorded first.
    """

    user_id: str
    state: UserEmbedding | None = None
    interactions: Sequence[Interaction] = ()
    bought: Collection[str] = field(init=False)

    @bought.default
    def _bought(self) -> Collection[str]:
        return {
            event.product_id
            for event in self.interactions
            if event.event_type is EventType.PURCHASE and event.product_id is not None
        }


@frozen(kw_only=True)
class Wanted:
    """Which products are meant: up to `limit`, none of `without`, and where `among` is given only those."""

    limit: int
    without: Collection[str] = ()
    among: Collection[str] | None = None

    def of(self, ranking: Iterable[str]) -> Sequence[str]:
        """Those of a ranking, in its order."""
        among = self.among
        meant = (one for one in ranking if one not in self.without and (among is None or one in among))
        return list(islice(meant, self.limit))


class CandidateSource(Protocol):
    """What ranks products for a user."""

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        """The wanted products, the best first; none where this source knows nothing of the user."""


class ReadShopper:
    """Reads what is known of a user."""

    def __init__(self, store: UserEmbeddingStore, log: EventLog, recipe: Recipe) -> None:
        self._store = store
        self._log = log
        self._recipe = recipe

    def __call__(self, user_id: str) -> Shopper:
        """The user. Raises TransientError when store or log is out of reach."""
        state = self._store.read([user_id]).get(user_id)
        done = [
            logged.event
            for page in self._log.history([user_id])
            for logged in page
            if isinstance(logged.event, Interaction) and logged.retracted_by is None
        ]
        is_ours = state is not None and state.is_of(self._recipe)
        return Shopper(user_id=user_id, state=state if is_ours else None, interactions=done[::-1])
