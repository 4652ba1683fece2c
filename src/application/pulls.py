"""What of a user's own speaks most for a product: the strongest pull of one event."""

from collections.abc import Sequence

from application.ports.system import Clock
from application.shopper import Shopper
from application.subject_vectors import ReadSubjectVectors
from domain.current_weights import current_weights
from domain.interaction import Interaction
from domain.recipe import Recipe
from domain.vectors import Matrix

REMEMBERED = 50
"""Of the subjects that a user had to do with last, those that a reason may name."""


class StrongestPulls:
    """An event pulls by what it counts today (the weight of its type, decayed) times its cosine with the product.

    One that speaks against its own product pulls towards none: what is unlike that is like nothing.
    """

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
        weights = current_weights([event for event, _ in known], self._recipe, self._clock.now())
        pulls = weights.clip(0)[:, None] * (rows @ products.T)
        strongest = pulls.argmax(axis=0)
        return [known[event][0] if pulls[event, at] > 0 else None for at, event in enumerate(strongest)]


def _last_by_subject(shopper: Shopper) -> list[Interaction]:
    """The last interaction with each of the products and phrases that the user had to do with last."""
    last: dict[tuple[str | None, str | None], Interaction] = {}
    for event in shopper.recent:
        if len(last) == REMEMBERED:
            break
        last.setdefault((event.product_id, event.search_phrase), event)
    return list(last.values())
