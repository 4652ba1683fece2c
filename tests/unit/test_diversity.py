import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.diversity import diversify
from tests.builders import unit_vectors

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def _matrix(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_without_diversity_the_most_relevant_come_in_order() -> None:
    assert diversify([0.1, 0.9, 0.5], _matrix(EAST, EAST, NORTH), 3, 0.0) == [1, 2, 0]


def test_one_that_is_like_what_was_chosen_waits_for_one_that_is_not() -> None:
    assert diversify([1.0, 0.9, 0.6], _matrix(EAST, EAST, NORTH), 2, 0.5) == [0, 2]


def test_a_row_without_a_vector_is_like_nothing() -> None:
    assert diversify([1.0, 0.9, 0.6], _matrix(EAST, EAST, [0.0, 0.0]), 3, 0.5) == [0, 2, 1]


@given(st.integers(0, 12), st.integers(0, 15), st.floats(0, 1))
def test_each_row_is_chosen_once_at_the_most(count: int, limit: int, diversity: float) -> None:
    chosen = diversify(list(np.linspace(0, 1, count)), unit_vectors(count), limit, diversity)

    assert len(chosen) == len(set(chosen)) == min(count, limit)
