"""Who is to be recommended something, and what is known of that user."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice
from typing import Protocol

from attrs import frozen

from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.interaction import Interaction
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding

RECENT = 200
"""Of the last events of a user, those that are looked at for reasons. Some have tens of thousands."""


@frozen(kw_only=True, eq=False)
class Shopper:
    """A user. Of one who is new nothing is known but the id.

    Parameters
    ----------
    state : the stored one; None without one of our recipe.
    bought : the products that the user bought and did not take back, the last one first.
    recent : of the last RECENT events up to where the state is those that were not taken back, the last recorded first.
    """

    user_id: str
    state: UserEmbedding | None = None
    bought: Sequence[str] = ()
    recent: Sequence[Interaction] = ()


@frozen(kw_only=True)
class Wanted:
    """Which products are meant: up to `limit`, none of `without`, and where `among` is given only those."""

    limit: int
    without: Collection[str] = ()
    among: Collection[str] | None = None

    def of(self, ranking: Iterable[str]) -> Sequence[str]:
        """Those of a ranking, in its order."""
        among = frozenset(self.among) if self.among is not None else None
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
        if state is not None and not state.is_of(self._recipe):
            state = None
        return Shopper(
            user_id=user_id,
            state=state,
            bought=self._log.last_purchases(user_id),
            recent=self._recent(state) if state is not None else (),
        )

    def _recent(self, state: UserEmbedding) -> Sequence[Interaction]:
        pages = self._log.last_events({state.user_id: state.applied.position}, RECENT)
        events = sorted(chain.from_iterable(pages), key=lambda logged: logged.position, reverse=True)
        return [
            logged.event for logged in events if isinstance(logged.event, Interaction) and logged.retracted_by is None
        ]
