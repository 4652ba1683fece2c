"""What every embedder promises."""

import numpy as np
import pytest

from application.ports.embedder import Embedder

TEXTS = ["red mug", "RED MUG", "🧁", "قميص أزرق", "\u200b", "a\x00b", "%", "word " * 200, "x" * 1_000]


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """By how much of its length one vector differs from another: services jitter, each number by more or less."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(a))


def test_there_is_one_vector_a_text(embedder: Embedder) -> None:
    assert embedder.embed(TEXTS).shape == (len(TEXTS), embedder.dimensions)


def test_of_no_texts_there_are_no_vectors_of_the_right_length(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimensions)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_vector_is_finite_and_has_a_length(embedder: Embedder, text: str) -> None:
    vectors = embedder.embed([text])

    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors) > 0


def test_vectors_stand_in_the_order_of_their_texts(embedder: Embedder) -> None:
    together = embedder.embed(["red mug", "blue shirt"])
    swapped = embedder.embed(["blue shirt", "red mug"])

    for first, second in zip(together, swapped[::-1], strict=True):
        assert _difference(first, second) < 1e-3
    assert _difference(together[0], together[1]) > 0.1


def test_the_model_has_a_name(embedder: Embedder) -> None:
    assert 1 <= len(embedder.model) <= 128
