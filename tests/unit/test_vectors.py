import numpy as np
import pytest

from domain.errors import InvalidValueError
from domain.vectors import SubjectVectors, own_vector, unit_rows
from tests.builders import bought, searched


def test_rows_are_scaled_to_unit_length_in_float32() -> None:
    rows = unit_rows("text", [[3.0, 4.0], [0.0, -2.0]], 2)

    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, -1.0]], rtol=1e-7)
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ([[1.0, 2.0, 3.0]], "has 3 dimensions, not 2"),
        ([1.0, 2.0], r"has shape \(2,\) dimensions, not 2"),
        ([[1.0, float("nan")]], "holds NaN or infinity"),
        ([[1.0, float("inf")]], "holds NaN or infinity"),
        ([[1.0, 0.0], [0.0, 0.0]], "has length zero"),
        ([["a", "b"]], "is not a list of numbers"),
        ([[1.0], [1.0, 2.0]], "is not a list of numbers"),
    ],
)
def test_what_is_no_matrix_of_directions_is_refused(matrix: object, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^search_phrase {problem}; "):
        unit_rows("search_phrase", matrix, 2)


def test_no_rows_are_a_matrix_too() -> None:
    assert unit_rows("text", np.empty((0, 3)), 3).shape == (0, 3)


def test_products_and_phrases_of_one_name_are_told_apart() -> None:
    vectors = SubjectVectors.of((["tea"], np.eye(2, dtype=np.float32)[:1]), (["tea"], np.eye(2, dtype=np.float32)[1:]))

    assert (vectors.row_of(bought("m1", "tea")), vectors.row_of(searched("m2", "tea"))) == (0, 1)


def test_a_phrase_is_found_however_it_is_spelt() -> None:
    vectors = SubjectVectors(matrix=np.eye(1, dtype=np.float32), phrases={"café au lait": 0})

    assert vectors.row_of(searched("m1", " cafe\u0301  au lait ")) == 0


def test_an_unknown_subject_has_no_row() -> None:
    assert SubjectVectors(matrix=np.eye(1, dtype=np.float32)).row_of(bought("m1", "tea")) is None


@pytest.mark.parametrize("scale", [1, 1e-320, 1e308])
def test_a_vector_of_any_length_is_scaled_to_unit_length(scale: float) -> None:
    vector = own_vector("embedding", [scale, 0, -scale, 0], 4)

    np.testing.assert_allclose(vector, np.array([1, 0, -1, 0]) / np.sqrt(2), rtol=1e-3)
    assert vector.dtype == np.float32


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("0.1, 0.2", "is not a list of numbers"),
        ({"0": 1.0}, "is not a list of numbers"),
        (["1", "2"], "is not a list of numbers"),
        ([True, False], "is not a list of numbers"),
        ([[1.0, 2.0]], "is not a list of numbers"),
        ([1.0, None], "is not a list of numbers"),
        ([10**400, 1], "holds a number beyond all floats"),
        ([], "has length zero"),
        ([0.0, 0], "has length zero"),
        ([1.0, 2.0, 3.0], "has 3 dimensions, not 2"),
        ([1.0, float("nan")], "holds NaN or infinity"),
        ([1.0, float("-inf")], "holds NaN or infinity"),
    ],
    ids=range(12),
)
def test_what_is_no_vector_is_refused(raw: object, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^embedding {problem}; "):
        own_vector("embedding", raw, 2)
