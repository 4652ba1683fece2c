"""Phrases to vectors, once and for good."""

from collections.abc import Collection, Mapping, Sequence

from application.ports.embedder import Embedder
from application.ports.phrase_vectors import PhraseVectors
from domain.errors import PenchantError, PermanentError, TransientError
from domain.vectors import unit_rows


class EmbedPhrases:
    """Sees to it that phrases have a stored vector."""

    def __init__(self, embedder: Embedder, phrase_vectors: PhraseVectors) -> None:
        self._embedder = embedder
        self._phrase_vectors = phrase_vectors

    def __call__(self, phrases: Collection[str]) -> Mapping[str, PenchantError]:
        """Embed and store the normalized `phrases` that have no vector yet.

        Returns the phrases that have none even now, each with the reason: one bad phrase fails no other.
        """
        if not phrases:
            return {}
        stored, _ = self._phrase_vectors.get(self._embedder.model, phrases)
        return self._embed(sorted(set(phrases) - set(stored)))

    def _embed(self, phrases: Sequence[str]) -> Mapping[str, PenchantError]:
        if not phrases:
            return {}
        try:
            matrix = unit_rows("search_phrase", self._embedder.embed(phrases), self._embedder.dimensions)
        except TransientError as error:
            return dict.fromkeys(phrases, error)
        except PermanentError as error:
            if len(phrases) == 1:
                return {phrases[0]: error}
            half = len(phrases) // 2
            return {**self._embed(phrases[:half]), **self._embed(phrases[half:])}
        self._phrase_vectors.put(self._embedder.model, phrases, matrix)
        return {}
