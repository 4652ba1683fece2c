"""A product search, what it searches, and the same as another process has it."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from adapters.embedded_search.copies import Copies
from adapters.embedded_search.product_search import EmbeddedProductSearch
from adapters.memory.product_catalogue import MemoryProductCatalogue
from adapters.memory.product_search import MemoryProductSearch
from adapters.memory.system import ManualClock
from adapters.qdrant.product_search import QdrantProductSearch
from application.ports.product_catalogue import CataloguePut, ProductCatalogue
from application.ports.product_search import ProductSearch
from application.ports.vector_index import Point
from domain.vectors import Matrix
from tests.builders import DIMENSIONS, NOW, in_catalogue
from tests.contract.index_sides import QdrantSide


class SearchSide(Protocol):
    """What is the same for all adapters."""

    @property
    def search(self) -> ProductSearch:
        """The search."""

    @property
    def elsewhere(self) -> ProductSearch:
        """Another one of the same products."""

    def put(self, ids: Sequence[str], vectors: Matrix) -> None:
        """Let these be the vectors of these products."""


@frozen
class CatalogueSide:
    """Of the catalogue."""

    catalogue: ProductCatalogue
    search: ProductSearch
    elsewhere: ProductSearch

    def put(self, ids: Sequence[str], vectors: Matrix) -> None:
        stored = self.catalogue.read(ids)
        revisions = [stored[id_].revision if id_ in stored else 0 for id_ in ids]
        puts = [
            CataloguePut(product=in_catalogue(id_, embedding=vector, revision=now + 1), expected_revision=now)
            for id_, vector, now in zip(ids, vectors, revisions, strict=True)
        ]
        assert not self.catalogue.put(puts)


@frozen
class IndexedSide:
    """Of the points in Qdrant."""

    side: QdrantSide
    dimensions: int
    search: ProductSearch
    elsewhere: ProductSearch
    _marks: "count[int]" = field(factory=count)

    def put(self, ids: Sequence[str], vectors: Matrix) -> None:
        points = [
            Point(id=id_, vector=vector, mark=str(next(self._marks))) for id_, vector in zip(ids, vectors, strict=True)
        ]
        self.side.built("model-1", self.dimensions).products.put(points)


def in_memory(dimensions: int = DIMENSIONS) -> SearchSide:
    """By looking at each product."""
    catalogue = MemoryProductCatalogue(dimensions, "model-1")
    return CatalogueSide(catalogue, MemoryProductSearch(catalogue), MemoryProductSearch(catalogue))


def embedded(folder: Path, exact_up_to: int, dimensions: int = DIMENSIONS) -> SearchSide:
    """On copies in this folder."""
    catalogue = MemoryProductCatalogue(dimensions, "model-1")
    searches = [
        EmbeddedProductSearch(
            Copies(
                catalogue, lambda: folder, dimensions, ManualClock(NOW), exact_up_to=exact_up_to, patience_seconds=60
            )
        )
        for _ in range(2)
    ]
    return CatalogueSide(catalogue, *searches)


def indexed(side: QdrantSide, dimensions: int = DIMENSIONS) -> SearchSide:
    """In Qdrant, or in its local mode."""
    side.built("model-1", dimensions)
    searches = [QdrantProductSearch(side.server, "model-1", dimensions) for _ in range(2)]
    return IndexedSide(side, dimensions, *searches)
