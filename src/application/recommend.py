"""What is nearest to a user: products not bought yet, and other users."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from attrs import frozen

from application.ports.event_log import EventLog
from application.ports.product_catalogue import ProductCatalogue
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.errors import NotAppliedYetError, TransientError, UnknownUserError
from domain.interaction import EventType, Interaction
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding
from domain.vectors import Matrix, Vector

BLOCK = 4_096


@frozen(kw_only=True)
class Recommendation:
    """A product and the cosine between its vector and the user's."""

    product_id: str
    text: str
    similarity: float


@frozen(kw_only=True)
class Neighbour:
    """Another user and the cosine between both embeddings."""

    user_id: str
    similarity: float


class Recommend:
    """Exact search over all products and all users."""

    def __init__(self, store: UserEmbeddingStore, catalogue: ProductCatalogue, log: EventLog, recipe: Recipe) -> None:
        self._recipe = recipe
        self._store = store
        self._catalogue = catalogue
        self._log = log

    def products(self, user_id: str, limit: int) -> Sequence[Recommendation]:
        """The products nearest to what the user is into now, without those bought (and not returned).

        None for a user without an embedding: no event is live whose product is known, or all cancel out.

        Raises
        ------
        UnknownUserError : nothing is known of the user.
        """
        user = self._embedding_of(user_id)
        if user is None:
            return []
        nearest = _nearest(user, self._catalogue.embeddings(BLOCK), limit, self._bought(user_id))
        products = self._catalogue.read([product_id for product_id, _ in nearest])
        return [
            Recommendation(product_id=product_id, text=products[product_id].product.text, similarity=similarity)
            for product_id, similarity in nearest
            if product_id in products
        ]

    def neighbours(self, user_id: str, limit: int) -> Sequence[Neighbour]:
        """The users whose embeddings are nearest; none, and an error, where `products` has them."""
        user = self._embedding_of(user_id)
        if user is None:
            return []
        nearest = _nearest(user, self._store.embeddings(BLOCK), limit, {user_id})
        return [Neighbour(user_id=other, similarity=similarity) for other, similarity in nearest]

    def _embedding_of(self, user_id: str) -> Vector | None:
        """The user's embedding, ndarray of shape (d,), float32."""
        return require_state(self._store, self._log, user_id, self._recipe).embedding

    def _bought(self, user_id: str) -> Collection[str]:
        return {
            logged.event.product_id
            for page in self._log.history([user_id])
            for logged in page
            if isinstance(logged.event, Interaction)
            and logged.event.event_type is EventType.PURCHASE
            and logged.event.product_id is not None
            and logged.retracted_by is None
        }


def require_state(store: UserEmbeddingStore, log: EventLog, user_id: str, recipe: Recipe) -> UserEmbedding:
    """The stored state of a user.

    Raises
    ------
    NotAppliedYetError : there is none, but events of the user are in the log.
    UnknownUserError : there is none, and no event.
    TransientError : the stored one is of another recipe, or cannot be read.
    """
    state = store.read([user_id]).get(user_id)
    if state is None:
        if count := log.heads_of([user_id]).get(user_id, 0):
            problem = f"{user_id!r} has {count:,} events that are recorded and on their way, not applied yet"
            raise NotAppliedYetError("user_id", problem, "ask again in a moment")
        raise UnknownUserError("user_id", f"{user_id!r} is not known", "record an event of this user, or check the id")
    if not state.is_of(recipe):
        text = f"{user_id!r} has a stored state of another recipe, or one that cannot be read; "
        raise TransientError(text + f"workers mend it, and so does: penchant rebuild --user {user_id}")
    return state


def _nearest(
    user: Vector, blocks: Iterable[tuple[Sequence[str], Matrix]], limit: int, excluded: Collection[str]
) -> list[tuple[str, float]]:
    """The ids with the largest dot products, largest first; equal ones by id."""
    best: list[tuple[str, float]] = []
    for ids, matrix in blocks:
        scores = matrix @ user
        count = min(len(ids), limit + len(excluded))
        rows: list[int] = np.flatnonzero(scores >= np.partition(scores, -count)[-count]).tolist() if count else []
        best += [(ids[row], float(scores[row])) for row in rows if ids[row] not in excluded]
        best = sorted(best, key=lambda found: (-found[1], found[0]))[:limit]
    return best
