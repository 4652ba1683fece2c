"""The embedder: texts to vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Embedder(Protocol):
    """A text embedding model."""

    @property
    def model(self) -> str:
        """The name of the model, with all that changes its vectors. Part of the recipe."""

    @property
    def dimensions(self) -> int:
        """Length of its vectors."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.floating]:
        """One vector a text: ndarray of shape (len(texts), dimensions), of any length but zero.

        Raises TransientError when the service cannot answer now, PermanentError when it never will for these texts.
        """
