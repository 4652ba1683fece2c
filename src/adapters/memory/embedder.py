"""An embedder without a model: words are hashed to directions, so that texts that share words are near."""

import hashlib
from collections.abc import Sequence

import numpy as np

from domain.decayed_sums import Floats


class HashingEmbedder:
    """The sum of one random direction a word, the same on every machine."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.model = f"hashing-{dimensions}"

    def embed(self, texts: Sequence[str]) -> Floats:
        rows = [np.sum([self._direction(word) for word in text.casefold().split() or [""]], axis=0) for text in texts]
        return np.array(rows, dtype=np.float64).reshape(len(texts), self.dimensions)

    def _direction(self, word: str) -> Floats:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).normal(size=self.dimensions)
