"""What of a user's own speaks most for a product: the strongest pull of one event."""

from collections.abc import Sequence

import numpy as np

from application.ports.system import Clock
from application.shopper import Shopper
from application.subject_vectors import ReadSubjectVectors
from domain.instant import to_microseconds
from domain.interaction import Interaction
from domain.recipe import Recipe
from domain.vectors import Matrix

REMEMBERED = 50
"""Of the subjects that a user had to do with last, those that a reason may name."""


class StrongestPulls:
    """An event pulls by what it counts today (the weight of its type, decayed) times its cosine with the product."""

    def __init__(self, vectors: ReadSubjectVectors, recipe: Recipe, clock: Clock) -> None:
        self._vectors = vectors
        self._recipe = recipe
        self._clock = clock

    def __call__(self, shopper: Shopper, products: Matrix) -> Sequence[Interaction | None]:
        """For each product the event that pulls most; None where none pulls towards it.

        Parameters
        ----------
        products : ndarray of shape (n, d), float32, rows of unit length.
        """
        last = _last_by_subject(shopper)
        vectors = self._vectors(last)
        known = [(event, row) for event in last if (row := vectors.row_of(event)) is not None]
        if not known or not len(products):
            return [None] * len(products)
        rows = vectors.matrix[[row for _, row in known]]
        pulls = self._weights([event for event, _ in known])[:, None] * (rows @ products.T)
        strongest = pulls.argmax(axis=0)
        return [known[event][0] if pulls[event, at] > 0 else None for at, event in enumerate(strongest)]

    def _weights(self, events: Sequence[Interaction]) -> Matrix:
        """ndarray of shape (len(events),)."""
        now_us = to_microseconds(self._clock.now())
        ages = np.array([max(0, now_us - to_microseconds(event.occurred_at)) for event in events], dtype=np.int64)
        weights = np.array([self._recipe.weights[event.event_type] for event in events])
        return np.asarray(self._recipe.decay.factors(ages) * weights, dtype=np.float32)


def _last_by_subject(shopper: Shopper) -> list[Interaction]:
    """The last interaction with each of the products and phrases that the user had to do with last."""
    last: dict[tuple[str | None, str | None], Interaction] = {}
    for event in shopper.interactions:
        if len(last) == REMEMBERED:
            break
        last.setdefault((event.product_id, event.search_phrase), event)
    return list(last.values())
