"""The catalogue, its changes and the phrase vectors in dicts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock

import numpy as np

from application.ports.product_catalogue import CataloguePut, ProductStamp
from application.ports.product_changes import ProductChange
from domain.attributes import Attributes, values_by_name
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix, Vector


class MemoryProductCatalogue:
    """Products in a dict."""

    def __init__(self, dimensions: int, model: str) -> None:
        self._lock = Lock()
        self._dimensions = dimensions
        self._model = model
        self._products: dict[str, ProductEmbedding] = {}
        self._revision = 0

    def revision(self) -> int:
        return self._revision

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        found = [product for product in self.read(product_ids).values() if self._is_usable(product)]
        ids = [product.product.product_id for product in found]
        return ids, _matrix([product.embedding for product in found], self._dimensions)

    def read(self, product_ids: Collection[str]) -> Mapping[str, ProductEmbedding]:
        with self._lock:
            return {p: self._products[p] for p in dict.fromkeys(product_ids) if p in self._products}

    def unknown(self, product_ids: Collection[str]) -> Collection[str]:
        return set(product_ids) - set(self.vectors(product_ids)[0])

    def outdated(self, limit: int) -> Sequence[Product]:
        return [product for product in self._outdated() if product.vector is None][:limit]

    def outdated_own(self) -> Collection[str]:
        return {product.product_id for product in self._outdated() if product.vector is not None}

    def put(self, puts: Sequence[CataloguePut]) -> Collection[str]:
        unmatched = set()
        with self._lock:
            self._revision += 1
            for put in puts:
                product_id = put.product.product.product_id
                stored = self._products.get(product_id)
                if (stored.revision if stored is not None else 0) == put.expected_revision:
                    self._products[product_id] = put.product
                else:
                    unmatched.add(product_id)
        return unmatched

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        with self._lock:
            ids = [product_id for product_id, product in self._products.items() if self._is_usable(product)]
        for start in range(0, len(ids), page):
            yield self.vectors(ids[start : start + page])

    def stamps(self, after: str | None, limit: int) -> Sequence[ProductStamp]:
        with self._lock:
            following = sorted(p for p, product in self._products.items() if self._is_usable(product))
            ids = [product_id for product_id in following if after is None or product_id > after][:limit]
            return [_stamp_of(self._products[product_id]) for product_id in ids]

    def having(self, wanted: Attributes) -> Collection[str]:
        names = [{(name, value) for value in values} for name, values in values_by_name(wanted).items()]
        with self._lock:
            return {
                product_id
                for product_id, product in self._products.items()
                if all(values & product.product.attributes for values in names)
            }

    def attribute_names(self) -> Sequence[str]:
        with self._lock:
            return sorted({one.name for product in self._products.values() for one in product.product.attributes})

    def count(self) -> int:
        return len(self._products)

    def _outdated(self) -> Sequence[Product]:
        with self._lock:
            return [product.product for product in self._products.values() if not self._is_usable(product)]

    def _is_usable(self, product: ProductEmbedding) -> bool:
        return product.model == self._model and product.embedding.shape == (self._dimensions,)


class MemoryProductChanges:
    """Product changes in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last_id = 0
        self._changes: dict[str, ProductChange] = {}

    def begin(self, puts: Sequence[CataloguePut]) -> None:
        with self._lock:
            for put in puts:
                if put.product.product.product_id not in self._changes:
                    self._last_id += 1
                    self._changes[put.product.product.product_id] = ProductChange(id=self._last_id, put=put)

    def under_way(self, limit: int) -> Sequence[ProductChange]:
        with self._lock:
            return sorted(self._changes.values(), key=lambda change: change.id)[:limit]

    def product_ids(self) -> Collection[str]:
        with self._lock:
            return set(self._changes)

    def end(self, change_ids: Collection[int]) -> None:
        with self._lock:
            ended = set(change_ids)
            self._changes = {p: change for p, change in self._changes.items() if change.id not in ended}


class MemoryPhraseVectors:
    """Phrase vectors in a dict."""

    def __init__(self, dimensions: int) -> None:
        self._lock = Lock()
        self._dimensions = dimensions
        self._vectors: dict[tuple[str, str], Vector] = {}

    def get(self, model: str, phrases: Collection[str]) -> tuple[Sequence[str], Matrix]:
        with self._lock:
            found = [phrase for phrase in dict.fromkeys(phrases) if (model, phrase) in self._vectors]
            return found, _matrix([self._vectors[model, phrase] for phrase in found], self._dimensions)

    def put(self, model: str, phrases: Sequence[str], matrix: Matrix) -> None:
        with self._lock:
            for phrase, vector in zip(phrases, matrix, strict=True):
                self._vectors.setdefault((model, phrase), vector)


def _matrix(vectors: Sequence[Vector], dimensions: int) -> Matrix:
    return np.stack(vectors) if vectors else np.empty((0, dimensions), dtype=np.float32)


def _stamp_of(product: ProductEmbedding) -> ProductStamp:
    return ProductStamp(product_id=product.product.product_id, revision=product.revision, updated_at=product.updated_at)
