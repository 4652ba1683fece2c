"""Reads the vectors of what events are about."""

from collections.abc import Iterable

from application.ports.phrase_vectors import PhraseVectors
from application.ports.product_catalogue import ProductCatalogue
from domain.interaction import Interaction
from domain.phrase import normalize_phrase
from domain.vectors import SubjectVectors


class ReadSubjectVectors:
    """One read of the catalogue and one of the phrases for a whole batch."""

    def __init__(self, catalogue: ProductCatalogue, phrase_vectors: PhraseVectors, model: str) -> None:
        self._catalogue = catalogue
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
        return SubjectVectors.of(self._catalogue.vectors(products), self._phrase_vectors.get(self._model, phrases))
