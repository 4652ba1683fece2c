"""Reads the vectors of what events are about."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from attrs import field, frozen

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
    """Product vectors read at one revision of the catalogue: by product id, each a matrix of one row."""

    revision: int
    rows: dict[str, Matrix] = field(factory=dict)

    def is_full(self) -> bool:
        return bool(self.rows) and len(self.rows) * next(iter(self.rows.values())).nbytes > CACHE_BYTES


class _ProductVectorCache:
    """Product vectors read before, for as long as the catalogue has the same revision.

    The revision is asked for at each call, after the states of the batch have been read: a product that changes later
    has its users rebuilt, and the batch loses its race against that (ADR 0006). Threads may share it. What is missing
    is added row by row: who asks for few must not have to move all the others.
    """

    def __init__(self, catalogue: ProductCatalogue) -> None:
        self._catalogue = catalogue
        self._cached: _Cached | None = None

    def vectors(self, product_ids: Collection[str]) -> tuple[Sequence[str], Matrix]:
        """As `ProductCatalogue.vectors`."""
        rows = self._rows(self._catalogue.revision())
        missing = [product_id for product_id in product_ids if product_id not in rows]
        known, fresh = self._catalogue.vectors(missing)
        rows.update((product_id, fresh[row : row + 1]) for row, product_id in enumerate(known))
        ids = [product_id for product_id in product_ids if product_id in rows]
        return ids, np.concatenate([fresh[:0], *(rows[product_id] for product_id in ids)])

    def _rows(self, revision: int) -> dict[str, Matrix]:
        """What is kept at this revision."""
        cached = self._cached
        if cached is None or cached.revision != revision or cached.is_full():
            cached = self._cached = _Cached(revision)
        return cached.rows
