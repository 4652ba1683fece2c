"""What every keeper of phrase vectors promises."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from application.ports.phrase_vectors import PhraseVectors
from tests.builders import DIMENSIONS, ODD_TEXTS, unit_vectors


def _get(phrase_vectors: PhraseVectors, phrases: Collection[str], model: str = "m") -> dict[str, bytes]:
    found, matrix = phrase_vectors.get(model, phrases)
    assert matrix.shape == (len(found), DIMENSIONS)
    assert matrix.dtype == np.float32
    return {phrase: row.tobytes() for phrase, row in zip(found, matrix, strict=True)}


def test_vectors_come_back_with_every_bit(phrase_vectors: PhraseVectors) -> None:
    phrases = [*ODD_TEXTS, "🧁" * 1_000, "🧁" * 999 + "x", "\u05e9\u05bc\u05c1" * 1_000]
    vectors = unit_vectors(len(phrases))
    vectors[0] = (np.float32(1e-45), np.float32(-0.0), np.nextafter(np.float32(1), 0), np.finfo(np.float32).tiny)

    phrase_vectors.put("m", phrases, vectors)

    assert _get(phrase_vectors, phrases) == {p: v.tobytes() for p, v in zip(phrases, vectors, strict=True)}


def test_phrases_that_are_not_stored_are_left_out(phrase_vectors: PhraseVectors) -> None:
    phrase_vectors.put("m", ["abc"], unit_vectors(1))

    assert set(_get(phrase_vectors, ["abc", "ABC", "abc ", "other"])) == {"abc"}


def test_asking_for_nothing_gives_nothing_of_the_right_shape(phrase_vectors: PhraseVectors) -> None:
    phrase_vectors.put("m", [], np.empty((0, DIMENSIONS), dtype=np.float32))

    assert _get(phrase_vectors, []) == {}
    assert _get(phrase_vectors, ["abc"]) == {}


def test_a_phrase_keeps_its_first_vector(phrase_vectors: PhraseVectors) -> None:
    first, second, other = unit_vectors(3)
    phrase_vectors.put("m", ["abc"], np.stack([first]))

    phrase_vectors.put("m", ["abc", "other"], np.stack([second, other]))

    assert _get(phrase_vectors, ["abc", "other"]) == {"abc": first.tobytes(), "other": other.tobytes()}


def test_of_one_phrase_twice_in_a_call_the_first_stays(phrase_vectors: PhraseVectors) -> None:
    vectors = unit_vectors(2)

    phrase_vectors.put("m", ["abc", "abc"], vectors)

    assert _get(phrase_vectors, ["abc"]) == {"abc": vectors[0].tobytes()}


def test_each_model_has_vectors_of_its_own(phrase_vectors: PhraseVectors) -> None:
    first, second = unit_vectors(2)
    phrase_vectors.put("m", ["abc"], np.stack([first]))
    phrase_vectors.put("M", ["abc"], np.stack([second]))

    assert _get(phrase_vectors, ["abc"], "m") == {"abc": first.tobytes()}
    assert _get(phrase_vectors, ["abc"], "M") == {"abc": second.tobytes()}
    assert _get(phrase_vectors, ["abc"], "m ") == {}


def test_of_many_writers_of_one_phrase_one_vector_stays(phrase_vectors: PhraseVectors) -> None:
    vectors = unit_vectors(12)

    def put_and_get(n: int) -> bytes:
        phrase_vectors.put("m", ["abc"], vectors[n : n + 1])
        return _get(phrase_vectors, ["abc"])["abc"]

    with ThreadPoolExecutor(4) as threads:
        seen = set(threads.map(put_and_get, range(12)))

    assert len(seen) == 1
