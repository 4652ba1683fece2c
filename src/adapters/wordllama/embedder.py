"""Embeddings offline, 256 dimensions."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 256


class WordLlamaEmbedder:
    """The 256-dimensional model of WordLlama, on lower-cased text.

    The model takes "RED RETROSPOT MUG" for another thing in lower case (cosine 0.44), and shops shout in their
    catalogues, so all text is lower-cased first; the name of the model says so. Loaded at the first use.
    """

    model = f"wordllama-l2-supercat-{DIMENSIONS}-lower"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.floating]:
        vectors: npt.NDArray[np.floating] = _wordllama().embed([text.lower() for text in texts])
        return vectors


@cache
def _wordllama() -> Any:
    """The weights, which are the same for all embedders of a process."""
    with _root_logger_kept():
        import wordllama  # takes half a second and 100 MiB, which most commands need not pay
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(dim=DIMENSIONS, cache_dir=folder, disable_download=True)


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """The library configures Python's logging when it is imported, which is not its business."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
