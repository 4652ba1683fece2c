"""Explaining: which events make up an embedding, and how much each counts today."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from attrs import frozen

from application.fold_from_log import interactions_of
from application.ports.event_log import EventLog
from application.ports.product_catalogue import ProductCatalogue
from application.ports.system import Clock
from application.ports.user_embedding_store import UserEmbeddingStore
from application.stored_state import require_state
from application.subject_vectors import ReadSubjectVectors
from domain.current_weights import current_weights
from domain.interaction import EventType, Interaction
from domain.recipe import Recipe


@frozen(kw_only=True)
class Influence:
    """A live event of a user.

    Parameters
    ----------
    weight : what the event counts now: the weight of its type, decayed.
    share : its part of |s|: weight times the cosine between its vector and the embedding, as part of their sum.
        Negative for an event that points away from where the others point. 0 where there is no embedding.
    """

    message_id: str
    event_type: EventType
    product_id: str | None
    search_phrase: str | None
    text: str | None
    occurred_at: datetime
    weight: float
    share: float


class Explain:
    """Takes an embedding apart."""

    def __init__(
        self,
        *,
        store: UserEmbeddingStore,
        log: EventLog,
        catalogue: ProductCatalogue,
        vectors: ReadSubjectVectors,
        recipe: Recipe,
        clock: Clock,
    ) -> None:
        self._store = store
        self._log = log
        self._catalogue = catalogue
        self._vectors = vectors
        self._recipe = recipe
        self._clock = clock

    def __call__(self, user_id: str) -> Sequence[Influence]:
        """The live events of a user, the most influential first. Raises InvalidValueError for an unknown user."""
        state = require_state(self._store, self._log, user_id, self._recipe)
        live = [
            logged
            for page in self._log.history([user_id])
            for logged in page
            if logged.position in state.applied
            and isinstance(logged.event, Interaction)
            and (logged.retracted_by is None or logged.retracted_by not in state.applied)
        ]
        if not live:
            return []
        interactions = list(interactions_of(live))
        vectors = self._vectors(interactions)
        known = [(event, row) for event in interactions if (row := vectors.row_of(event)) is not None]
        weights = current_weights([event for event, _ in known], self._recipe, self._clock.now())
        shares = np.zeros(len(known))
        if state.embedding is not None:
            along = weights * (vectors.matrix[[row for _, row in known]] @ state.embedding)
            shares = along / along.sum() if along.sum() > 0 else shares
        texts = self._catalogue.read({event.product_id for event, _ in known if event.product_id is not None})
        influences = [
            Influence(
                message_id=event.message_id,
                event_type=event.event_type,
                product_id=event.product_id,
                search_phrase=event.search_phrase,
                text=event.search_phrase if event.product_id is None else texts[event.product_id].product.text,
                occurred_at=event.occurred_at,
                weight=float(weight),
                share=float(share),
            )
            for (event, _), weight, share in zip(known, weights, shares, strict=True)
        ]
        return sorted(influences, key=lambda influence: (-abs(influence.share), influence.message_id))
