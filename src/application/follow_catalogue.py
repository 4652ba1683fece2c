"""Following the catalogue: a product that is new or changed is in the index soon after."""

from collections.abc import Iterator

from application.catch_up import CatchUpReport
from application.ports.product_catalogue import ProductCatalogue
from application.sweep import Sweep
from domain.product import ProductEmbedding


class FollowCatalogue:
    """Looks whether the catalogue has another revision than when it was last gone through, and goes through it then.

    Each process does so for itself, and finds little to do where another one was first.
    """

    def __init__(self, catalogue: ProductCatalogue, sweep: Sweep[ProductEmbedding]) -> None:
        self._catalogue = catalogue
        self._sweep = sweep
        self._seen: int | None = None

    def __call__(self) -> Iterator[CatchUpReport]:
        """Bring the points of products to the catalogue, some at a time, if it has changed."""
        revision = self._catalogue.revision()
        if revision == self._seen:
            return
        for swept in self._sweep():
            yield CatchUpReport(points=swept.changed)
        self._seen = revision
