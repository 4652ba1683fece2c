"""As many products as are wanted, like those of a real shop."""

from collections.abc import Iterator, Sequence

import numpy as np

from adapters.memory.product_catalogue import MemoryProductCatalogue
from adapters.online_retail.dataset import OnlineRetail
from adapters.wordllama.embedder import DIMENSIONS, WordLlamaEmbedder
from domain.vectors import Matrix, unit_rows

TEXTS = 3
NOISE = 0.1


class MadeUpCatalogue(MemoryProductCatalogue):
    """Each product joins three texts of a real shop, with random weights and a little noise.

    Their clusters overlap, as they do in a shop: there are real things that are named by real words.
    """

    def __init__(self, texts: Matrix, count: int) -> None:
        super().__init__(DIMENSIONS, "benchmark")
        self._texts = texts
        self._count = count

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        random = np.random.default_rng(1)
        for start in range(0, self._count, page):
            rows = min(page, self._count - start)
            yield [product_id(row) for row in range(start, start + rows)], self._joined(random, rows)

    def _joined(self, random: np.random.Generator, rows: int) -> Matrix:
        weights = random.dirichlet([1.0] * TEXTS, size=rows)
        joined = np.einsum("rt,rtd->rd", weights, self._texts[random.integers(len(self._texts), size=(rows, TEXTS))])
        noise = random.normal(size=joined.shape) * np.linalg.norm(joined, axis=1, keepdims=True) / DIMENSIONS**0.5
        return unit_rows("embedding", joined + NOISE * noise, DIMENSIONS)


def real_texts() -> list[str]:
    """What the demo's shop sells."""
    return sorted({product.text for product in OnlineRetail().products()})


def embedded(texts: Sequence[str]) -> Matrix:
    """Their vectors: ndarray of shape (len(texts), DIMENSIONS), float32, rows of unit length."""
    return unit_rows("embedding", WordLlamaEmbedder().embed(texts), DIMENSIONS)


def product_id(row: int) -> str:
    """The id of a made-up product."""
    return f"p{row:07}"
