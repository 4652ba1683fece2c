"""The catalogue: products, their texts and vectors."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from domain.attributes import Attributes
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix


@frozen(kw_only=True)
class ProductStamp:
    """Which state a stored product is in."""

    product_id: str
    revision: int
    updated_at: datetime


@frozen(kw_only=True)
class CataloguePut:
    """A product to store, and the revision that the stored one must have; 0 where nothing must be stored yet."""

    product: ProductEmbedding
    expected_revision: int


class ProductCatalogue(Protocol):
    """Products by id, opened for one embedding model. All calls raise TransientError when it cannot be reached.

    A product whose stored vector is of another model is unknown to `vectors`, `unknown`, `embeddings` and `stamps`,
    until it is put anew; `read` and `put` know it.
    """

    def revision(self) -> int:
        """A number that is another one after every `put` that has returned: what a cache of vectors is checked by."""

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        """The ids among these that are known, and their vectors: ndarray of shape (len(ids), d), float32."""

    def read(self, product_ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        """The products with these ids; unknown ids are left out."""

    def unknown(self, product_ids: Collection[str]) -> Collection[str]:
        """The ids among these that are not in the catalogue."""

    def outdated(self, limit: int) -> Sequence[Product]:
        """Up to `limit` products whose stored vector is of another model, and was made from their text."""

    def outdated_own(self) -> Collection[str]:
        """The ids of the products whose stored vector is of another model, and is the shop's own."""

    def put(self, puts: Sequence[CataloguePut]) -> Collection[str]:
        """Store each product whose expected revision matches; return the ids of those that did not match.

        A product may be put once a call.
        """

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        """All products, up to `page` at a time: ids, and a matrix of shape (page, d), float32."""

    def stamps(self, after: str | None, limit: int) -> Sequence[ProductStamp]:
        """The next `limit` products after `after`, in the catalogue's own order of ids, without texts and vectors."""

    def having(self, wanted: Attributes) -> Collection[str]:
        """The ids of the products that have one of the values of each name among `wanted`, which is not empty."""

    def attribute_names(self) -> Sequence[str]:
        """The names of the attributes that any product has, in order."""

    def count(self) -> int:
        """How many products there are."""
