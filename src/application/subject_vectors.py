"""Reads the vectors of what events are about."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from attrs import frozen

from application.ports.phrase_vectors import PhraseVectors
from application.ports.product_catalogue import ProductCatalogue
from domain.interaction import Interaction
from domain.phrase import normalize_phrase
from domain.vectors import Matrix, SubjectVectors

CACHE_BYTES = 64 * 2**20


class ReadSubjectVectors:
    """One read of the catalogue and one of the phrases for a whole batch."""

    def __init__(self, catalogue: ProductCatalogue, phrase_vectors: PhraseVectors, model: str) -> None:
        self._products = _ProductVectorCache(catalogue)
        self._phrase_vectors = phrase_vectors
        self._model = model

    def __call__(self, interactions: Iterable[Interaction]) -> SubjectVectors:
        """The vectors of all subjects of `interactions` that are known."""
        products: set[str] = set()
        phrases: set[str] = set()
        for interaction in interactions:
            if interaction.search_phrase is not None:
                phrases.add(normalize_phrase(interaction.search_phrase))
            elif interaction.product_id is not None:
                products.add(interaction.product_id)
        return SubjectVectors.of(self._products.vectors(products), self._phrase_vectors.get(self._model, phrases))


@frozen(eq=False)
class _Cached:
    """Product vectors read at one revision of the catalogue: the row of each product id in `matrix`."""

    revision: int
    row_of: Mapping[str, int]
    matrix: Matrix


class _ProductVectorCache:
    """Product vectors read before, for as long as the catalogue has the same revision.

    The revision is asked for at each call, after the states of the batch have been read: a product that changes later
    has its users rebuilt, and the batch loses its race against that (ADR 0006). Threads may share it.
    """

    def __init__(self, catalogue: ProductCatalogue) -> None:
        self._catalogue = catalogue
        self._cached: _Cached | None = None

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        """As `ProductCatalogue.vectors`."""
        cached = self._read(product_ids, self._catalogue.revision(), self._cached)
        self._cached = cached
        ids = [product_id for product_id in product_ids if product_id in cached.row_of]
        return ids, cached.matrix[[cached.row_of[product_id] for product_id in ids]]

    def _read(self, product_ids: Collection[str], revision: int, cached: _Cached | None) -> _Cached:
        if cached is None or cached.revision != revision or cached.matrix.nbytes > CACHE_BYTES:
            known, matrix = self._catalogue.vectors(product_ids)
            return _Cached(revision, {product_id: row for row, product_id in enumerate(known)}, matrix)
        missing = [product_id for product_id in product_ids if product_id not in cached.row_of]
        if not missing:
            return cached
        known, fresh = self._catalogue.vectors(missing)
        rows = {product_id: row for row, product_id in enumerate(known, start=len(cached.row_of))}
        return _Cached(revision, {**cached.row_of, **rows}, np.concatenate((cached.matrix, fresh)))
