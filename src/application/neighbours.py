"""Users who are into the same."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from attrs import frozen

from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from application.stored_state import require_state
from domain.recipe import Recipe
from domain.vectors import Matrix, Vector, as_cosine

BLOCK = 4_096


@frozen(kw_only=True)
class Neighbour:
    """Another user and the cosine between both embeddings."""

    user_id: str
    similarity: float


class FindNeighbours:
    """Exact search over all users."""

    def __init__(self, store: UserEmbeddingStore, log: EventLog, recipe: Recipe) -> None:
        self._store = store
        self._log = log
        self._recipe = recipe

    def __call__(self, user_id: str, limit: int) -> Sequence[Neighbour]:
        """The users whose embeddings are nearest; none for a user without an embedding.

        Raises as `require_state` does.
        """
        user = require_state(self._store, self._log, user_id, self._recipe).embedding
        if user is None:
            return []
        nearest = _nearest(user, self._store.embeddings(BLOCK), limit, {user_id})
        return [Neighbour(user_id=other, similarity=as_cosine(similarity)) for other, similarity in nearest]


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
