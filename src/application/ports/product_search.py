"""Product search: the products whose vectors are nearest to some vector, among all or among some."""

from collections.abc import Collection, Sequence
from typing import Protocol

from attrs import frozen

from domain.vectors import Matrix


@frozen(kw_only=True)
class FoundProduct:
    """A product, and the cosine between its vector and the one that was asked for."""

    product_id: str
    similarity: float


class ProductSearch(Protocol):
    """Searches the products of one embedding model, as the catalogue was a moment ago.

    All calls raise TransientError when it, or the catalogue that it is made from, cannot be reached.
    """

    def nearest(
        self, vectors: Matrix, limit: int, *, without: Collection[str] = (), among: Collection[str] | None = None
    ) -> Sequence[Sequence[FoundProduct]]:
        """The `limit` products nearest to each of these vectors, the nearest first; equal ones by id.

        Parameters
        ----------
        vectors : ndarray of shape (n, d), float32, rows of unit length.
        without : products that are left out.
        among : the only products that are meant; None: all. Unknown ids are left out.
        """
