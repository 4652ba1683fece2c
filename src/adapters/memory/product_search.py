"""Product search by looking at each product."""

from collections.abc import Collection, Sequence

import numpy as np

from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_search import FoundProduct
from domain.vectors import Matrix, Vector

PAGE = 1_000


class MemoryProductSearch:
    """Reads the whole catalogue for each call."""

    def __init__(self, catalogue: ProductCatalogue) -> None:
        self._catalogue = catalogue

    def nearest(
        self, vectors: Matrix, limit: int, *, without: Collection[str] = (), among: Collection[str] | None = None
    ) -> Sequence[Sequence[FoundProduct]]:
        left_out = set(without)
        products = {
            product_id: row
            for ids, matrix in self._catalogue.embeddings(PAGE)
            for product_id, row in zip(ids, matrix, strict=True)
            if product_id not in left_out
        }
        if among is not None:
            products = {product_id: products[product_id] for product_id in set(among) & products.keys()}
        return [_ranked(vector, products)[:limit] for vector in vectors]


def _ranked(vector: Vector, products: dict[str, Vector]) -> list[FoundProduct]:
    found = [
        FoundProduct(product_id=product_id, similarity=float((row.astype(np.float64) * vector).sum()))
        for product_id, row in products.items()
    ]
    return sorted(found, key=lambda one: (-one.similarity, one.product_id))
