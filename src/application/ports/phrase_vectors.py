"""Vectors of phrases, kept for good: they are part of the truth, because a service may answer differently tomorrow."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.vectors import Matrix


class PhraseVectors(Protocol):
    """(model, normalized phrase) -> unit vector, written once. All calls raise TransientError when out of reach."""

    def get(self, model: str, phrases: Collection[str]) -> tuple[Sequence[str], Matrix]:
        """The phrases among these that are stored, and their vectors: ndarray of shape (len(phrases), d), float32."""

    def put(self, model: str, phrases: Sequence[str], matrix: Matrix) -> None:
        """Store these. A phrase that is stored already keeps its vector: the first one stays."""
