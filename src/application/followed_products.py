"""What the points of products are made from: the catalogue."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from application.follow import Stamp
from application.ports.product_catalogue import ProductCatalogue, ProductStamp
from application.ports.vector_index import Point
from domain.product import ProductEmbedding
from domain.recipe import Recipe


class FollowedProducts:
    """Products, marked by their revision and when they came to it: one set back to a backup may count up once more."""

    def __init__(self, catalogue: ProductCatalogue, recipe: Recipe) -> None:
        self._catalogue = catalogue
        self._recipe = recipe

    def read(self, ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        return self._catalogue.read(ids)

    def mark(self, row: ProductEmbedding | ProductStamp) -> str:
        return f"{row.revision} {row.updated_at.isoformat()}"

    def points(self, rows: Sequence[ProductEmbedding]) -> Sequence[Point]:
        return [
            Point(
                id=row.product.product_id,
                vector=row.embedding,
                mark=self.mark(row),
                payload={"text": row.product.text},
            )
            for row in rows
            if self._recipe.compares_with(row.model, row.embedding)
        ]

    def stamps(self, page: int) -> Iterator[Sequence[Stamp]]:
        after: str | None = None
        while stamps := self._catalogue.stamps(after, page):
            after = stamps[-1].product_id
            yield [Stamp(id=one.product_id, mark=self.mark(one), written_at=one.updated_at) for one in stamps]

    def gone(self, ids: Collection[str]) -> Collection[str]:
        return self._catalogue.unknown(ids)
