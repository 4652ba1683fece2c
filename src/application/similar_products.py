"""Products that are like another one."""

from collections.abc import Collection, Sequence

from attrs import frozen

from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_search import ProductSearch
from domain.errors import UnknownProductError
from domain.vectors import as_cosine


@frozen(kw_only=True)
class SimilarProduct:
    """A product, and the cosine between its vector and that of the one it is like."""

    product_id: str
    text: str
    similarity: float


class FindSimilarProducts:
    """Searches around a product of the catalogue."""

    def __init__(self, catalogue: ProductCatalogue, search: ProductSearch) -> None:
        self._catalogue = catalogue
        self._search = search

    def __call__(self, product_id: str, limit: int, among: Collection[str] | None = None) -> Sequence[SimilarProduct]:
        """The products, among these or among all, that are most like this one, the nearest first.

        Raises
        ------
        UnknownProductError : it is not in the catalogue, or has no vector in our model.
        """
        ids, vectors = self._catalogue.vectors([product_id])
        if not ids:
            remedy = "check the id, or bring it with `penchant products import`"
            raise UnknownProductError("product_id", f"{product_id!r} is not in the catalogue", remedy)
        [nearest] = self._search.nearest(vectors, limit, without=[product_id], among=among)
        known = self._catalogue.read([found.product_id for found in nearest])
        return [
            SimilarProduct(
                product_id=found.product_id,
                text=known[found.product_id].product.text,
                similarity=as_cosine(found.similarity),
            )
            for found in nearest
            if found.product_id in known
        ]
