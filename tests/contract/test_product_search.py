"""What every product search promises."""

import numpy as np
import pytest

from application.ports.product_search import FoundProduct
from domain.vectors import Matrix
from tests.builders import DIMENSIONS, ODD_TEXTS, unit_vectors
from tests.contract.search_sides import SearchSide

IDS = (*ODD_TEXTS, "0", "00", " ", "\n", "a/b?c=d#e", "🧁" * 128, "x" * 128, "x" * 127)
WHOLE = 100
"""More than there are."""


def _degrees(*angles: float) -> Matrix:
    """Unit vectors at these angles from the first axis."""
    radians = np.radians(np.array(angles, dtype=np.float64))
    rows = np.zeros((len(angles), DIMENSIONS), dtype=np.float32)
    rows[:, 0], rows[:, 1] = np.cos(radians), np.sin(radians)
    return rows


AHEAD = _degrees(0)


def _ids(found: list[FoundProduct]) -> list[str]:
    return [product.product_id for product in found]


def _found(
    side: SearchSide, limit: int = WHOLE, *, without: tuple[str, ...] = (), among: tuple[str, ...] | None = None
) -> list[str]:
    [found] = side.search.nearest(AHEAD, limit, without=without, among=among)
    return _ids(list(found))


def test_the_nearest_come_first_with_their_cosines(search_side: SearchSide) -> None:
    search_side.put(["far", "near", "behind", "next"], _degrees(90, 10, 180, 45))

    [found] = search_side.search.nearest(AHEAD, 3)

    assert _ids(list(found)) == ["near", "next", "far"]
    assert [product.similarity for product in found] == pytest.approx(np.cos(np.radians([10, 45, 90])), abs=1e-6)


def test_equal_ones_come_by_id(search_side: SearchSide) -> None:
    ids = [f"p{n}" for n in (5, 2, 9, 0, 7, 1, 8, 3, 6, 4)]
    search_side.put([*ids, "near", "far"], _degrees(*[30] * 10, 10, 60))

    assert _found(search_side) == ["near", *sorted(ids), "far"]
    assert _found(search_side, 4) == ["near", "p0", "p1", "p2"]


def test_what_is_left_out_leaves_its_place_to_others(search_side: SearchSide) -> None:
    search_side.put(["a", "b", "c", "d"], _degrees(10, 20, 30, 40))

    assert _found(search_side, 2, without=("a", "c", "unheard of")) == ["b", "d"]
    assert _found(search_side, 2, without=("a", "b", "c", "d")) == []


def test_only_what_is_meant_is_found(search_side: SearchSide) -> None:
    search_side.put(["a", "b", "c", "d"], _degrees(10, 20, 30, 40))

    assert _found(search_side, among=("d", "b", "unheard of", "b")) == ["b", "d"]
    assert _found(search_side, 1, among=("d", "b")) == ["b"]
    assert _found(search_side, among=("a", "b", "c"), without=("b", "d")) == ["a", "c"]
    assert _found(search_side, among=()) == []
    assert _found(search_side, among=("unheard of",)) == []


def test_there_are_no_more_than_there_are(search_side: SearchSide) -> None:
    search_side.put(["a", "b"], _degrees(10, 20))

    assert _found(search_side, 1_000) == ["a", "b"]
    assert _found(search_side, 0) == []


def test_an_empty_catalogue_has_nothing(search_side: SearchSide) -> None:
    assert _found(search_side) == []
    assert _found(search_side, without=("a",)) == []
    assert _found(search_side, among=("a",)) == []


def test_no_vectors_find_nothing(search_side: SearchSide) -> None:
    search_side.put(["a"], AHEAD)

    assert list(search_side.search.nearest(AHEAD[:0], 5)) == []


def test_what_changes_in_the_catalogue_is_found_as_it_is(search_side: SearchSide) -> None:
    assert _found(search_side) == []

    search_side.put(["a", "b"], _degrees(10, 20))
    assert _found(search_side) == ["a", "b"]

    search_side.put(["a", "c"], _degrees(60, 30))
    assert _found(search_side) == ["b", "c", "a"]
    assert _found(search_side, among=("a", "c")) == ["c", "a"]


@pytest.mark.parametrize("product_id", IDS, ids=ascii)
def test_ids_are_compared_byte_by_byte(search_side: SearchSide, product_id: str) -> None:
    others = [other for other in IDS if other != product_id]
    search_side.put([*others, product_id], _degrees(*[10] * len(others), 20))

    assert _found(search_side) == [*sorted(others), product_id]
    assert _found(search_side, among=(product_id,)) == [product_id]
    assert _found(search_side, without=tuple(others)) == [product_id]
    assert _found(search_side, without=(product_id,)) == sorted(others)


def test_several_vectors_find_what_each_would_find(search_side: SearchSide) -> None:
    ids = [f"p{n:02}" for n in range(50)]
    search_side.put(ids, unit_vectors(50))
    vectors = unit_vectors(7, seed=2)

    found = search_side.search.nearest(vectors, 5, without=ids[:10], among=ids[5:])

    alone = [
        search_side.search.nearest(vector[np.newaxis], 5, without=ids[:10], among=ids[5:])[0] for vector in vectors
    ]
    assert [_ids(list(some)) for some in found] == [_ids(list(some)) for some in alone]
    assert len({tuple(_ids(list(some))) for some in found}) > 1


def test_another_process_finds_the_same(search_side: SearchSide) -> None:
    ids = [f"p{n:02}" for n in range(50)]
    search_side.put(ids, unit_vectors(50))
    here = search_side.search.nearest(AHEAD, 20)

    assert search_side.elsewhere.nearest(AHEAD, 20) == here

    search_side.put(ids, unit_vectors(50, seed=2))
    assert search_side.elsewhere.nearest(AHEAD, 20) == search_side.search.nearest(AHEAD, 20) != here
