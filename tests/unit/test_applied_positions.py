from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.applied_positions import AppliedPositions
from domain.errors import InvalidValueError

batches = st.lists(st.lists(st.integers(1, 40), max_size=12), max_size=8)


def _after(batches: list[list[int]]) -> AppliedPositions:
    applied = AppliedPositions()
    for batch in batches:
        applied = applied.with_applied(batch)
    return applied


@given(batches)
def test_it_holds_what_a_set_of_numbers_holds(batches: list[list[int]]) -> None:
    applied, model = _after(batches), {position for batch in batches for position in batch}

    top = max(model, default=0)
    assert {position for position in range(-1, 45) if position in applied} == model
    assert len(applied) == len(model)
    assert applied.position == top
    assert [position for position in range(1, top + 1) if position not in applied] == sorted(
        set(range(1, top + 1)) - model
    )
    assert applied.missing_count == top - len(model)


@given(batches, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_nor_batches_matter(batches: list[list[int]], random: object) -> None:
    single = [[position] for batch in batches for position in batch] * 2
    random.shuffle(single)  # type: ignore[attr-defined]

    assert _after(single) == _after(batches)


@given(batches)
def test_gaps_are_sorted_and_never_touch(batches: list[list[int]]) -> None:
    missing = _after(batches).missing

    assert all(first <= last for first, last in missing)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(missing))


@given(batches)
def test_it_comes_back_from_its_own_fields(batches: list[list[int]]) -> None:
    applied = _after(batches)

    assert AppliedPositions(applied.position, [list(gap) for gap in applied.missing]) == applied


@pytest.mark.parametrize(
    "missing",
    [[(0, 1)], [(5, 5)], [(3, 2)], [(1, 2), (3, 3)], [(3, 3), (1, 1)], [(1, 3), (2, 4)], [(4, 9)]],
    ids=["from zero", "the top", "backwards", "touching", "unsorted", "overlapping", "beyond the top"],
)
def test_what_is_no_list_of_gaps_cannot_be_built(missing: list[tuple[int, int]]) -> None:
    with pytest.raises(InvalidValueError, match="rebuild the user"):
        AppliedPositions(5, missing)
