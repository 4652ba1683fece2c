"""What every vector index promises, and what those of one embedding model do together."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from application.ports.vector_index import Point, PointsPage, VectorIndex
from domain.vectors import Vector
from tests.builders import DIMENSIONS, ODD_TEXTS, unit_vectors
from tests.contract.index_sides import Built, IndexSide

IDS = (*ODD_TEXTS, "0", "00", " ", "\n", "a/b?c=d#e", "🧁" * 128, "x" * 128, "x" * 127)
MOST_PAGES = 20
OPENAI_DIMENSIONS = 1_536
MANY = 1_500
"""So many that they are 50 MB in JSON: more than Qdrant takes at once."""

NONSENSE = [
    pytest.param({"user_id": "ann"}, id="no mark"),
    pytest.param({"mark": "w1"}, id="no id"),
    pytest.param({}, id="nothing"),
    pytest.param({"user_id": "ben", "mark": "w1"}, id="the id of another"),
    pytest.param({"user_id": 7, "mark": "w1"}, id="a number for an id"),
    pytest.param({"user_id": "ann", "mark": 7}, id="a number for a mark"),
    pytest.param({"user_id": "ann", "mark": None}, id="nothing for a mark"),
    pytest.param({"user_id": ["ann"], "mark": ["w1"]}, id="lists"),
]


@pytest.fixture
def built(index_side: IndexSide) -> Built:
    return index_side.built()


@pytest.fixture
def index(built: Built) -> VectorIndex:
    return built.users


def _point(user_id: str, mark: str = "w1", vector: Vector | None = None, **payload: Any) -> Point:
    return Point(id=user_id, vector=vector if vector is not None else unit_vectors(1)[0], mark=mark, payload=payload)


def _same(found: Point | None, put: Point) -> bool:
    return (
        found is not None
        and (found.id, found.mark, found.payload) == (put.id, put.mark, put.payload)
        and found.vector.dtype == np.float32
        and found.vector.tobytes() == put.vector.tobytes()
    )


def _pages(index: VectorIndex, limit: int) -> list[PointsPage]:
    pages = [index.page(None, limit)]
    while (after := pages[-1].next) is not None:
        pages.append(index.page(after, limit))
        assert len(pages) <= MOST_PAGES
    return pages


def _ids(pages: Sequence[PointsPage]) -> list[str]:
    return sorted(one for page in pages for one in page.ids)


def test_points_come_back_whole_to_the_last_bit(index: VectorIndex) -> None:
    payload = {"event_count": 3, "as_of": "2026-03-01T12:00:00.000001+00:00", "last_products": ["tea", "🧁"], "x": None}
    points = [_point(f"u{n}", f"w{n}", vector, **payload) for n, vector in enumerate(unit_vectors(50))]

    index.put(points)

    found = index.read([point.id for point in points])
    assert all(_same(found[point.id], point) for point in points)


def test_ids_without_a_point_are_left_out(index: VectorIndex) -> None:
    index.put([_point("ann")])

    assert index.read(["ann", "nobody"]).keys() == {"ann"}
    assert index.marks(["ann", "nobody"]) == {"ann": "w1"}
    assert index.read(["nobody"]) == {}


def test_a_point_is_put_in_place_of_the_one_that_is_there(index: VectorIndex) -> None:
    old, new = _point("ann", "w1", unit_vectors(2)[0], only_old=1), _point("ann", "w2", unit_vectors(2)[1], only_new=1)
    index.put([old, _point("ben")])

    index.put([new])

    assert _same(index.read(["ann"])["ann"], new)
    assert index.marks(["ann", "ben"]) == {"ann": "w2", "ben": "w1"}


def test_what_is_removed_is_gone_and_nothing_else(index: VectorIndex) -> None:
    index.put([_point("ann"), _point("ben")])

    index.remove(["ann", "nobody"])
    index.remove(["ann"])

    assert index.marks(["ann", "ben"]) == {"ben": "w1"}


def test_what_was_removed_can_be_put_again(index: VectorIndex) -> None:
    index.put([_point("ann", "w1")])
    index.remove(["ann"])

    index.put([_point("ann", "w2")])

    assert index.marks(["ann"]) == {"ann": "w2"}
    assert _ids(_pages(index, 10)) == ["ann"]


@pytest.mark.parametrize("user_id", IDS, ids=ascii)
def test_ids_are_compared_byte_by_byte(index: VectorIndex, user_id: str) -> None:
    index.put([_point(other, f"of {other}") for other in IDS if other != user_id])
    assert index.marks([user_id]) == {}

    index.put([_point(user_id, "mine")])

    assert index.marks([user_id]) == {user_id: "mine"}
    assert _ids(_pages(index, 100)) == sorted(IDS)


def test_users_and_products_of_one_id_are_apart(built: Built) -> None:
    built.users.put([_point("7", "of a user")])
    built.products.put([_point("7", "of a product")])

    assert built.users.marks(["7"]) == {"7": "of a user"}
    assert built.products.marks(["7"]) == {"7": "of a product"}


@pytest.mark.parametrize("payload", NONSENSE)
def test_nonsense_is_none_and_can_be_put_right(
    index_side: IndexSide, index: VectorIndex, payload: Mapping[str, Any]
) -> None:
    index.put([_point("ann"), _point("ben")])

    index_side.spoil("ann", payload)

    assert index.marks(["ann", "ben"]) == {"ann": None, "ben": "w1"}
    assert index.read(["ann"]) == {"ann": None}
    [page] = _pages(index, 10)
    assert len(page.ids) + len(page.strays) == 2
    index.put([_point("ann", "w2")])
    assert index.marks(["ann"]) == {"ann": "w2"}
    assert _ids(_pages(index, 10)) == ["ann", "ben"]


def test_points_of_others_are_strays_and_can_be_removed(index_side: IndexSide, index: VectorIndex) -> None:
    strange: list[str | int] = [0, 7, 2**63, str(uuid4()), str(uuid4())]
    payloads = [{}, {"user_id": "7"}, {"user_id": 7}, {"user_id": "ann", "mark": "w1"}, {}]
    index.put([_point("ann"), _point("7")])
    for one, payload in zip(strange, payloads, strict=True):
        index_side.stray(one, payload)

    pages = _pages(index, 3)

    assert _ids(pages) == ["7", "ann"]
    assert {stray for page in pages for stray in page.strays} == set(strange)
    index.remove_strays([stray for page in pages for stray in page.strays])
    index.remove_strays(strange)
    assert [(sorted(page.ids), page.strays) for page in _pages(index, 10)] == [(["7", "ann"], [])]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_are_of_all_points_once(index: VectorIndex, limit: int) -> None:
    index.put([_point(f"u{n}") for n in range(7)])

    pages = _pages(index, limit)

    assert _ids(pages) == [f"u{n}" for n in range(7)]
    assert all(len(page.ids) <= limit for page in pages)


def test_paging_goes_on_where_points_are_removed_meanwhile(index: VectorIndex) -> None:
    index.put([_point(f"u{n}") for n in range(10)])

    seen: list[str] = []
    after: str | int | None = None
    for _ in range(4):
        page = index.page(after, 3)
        seen += page.ids
        index.remove(page.ids)
        after = page.next

    assert after is None
    assert sorted(seen) == [f"u{n}" for n in range(10)]
    assert _ids(_pages(index, 3)) == []


@pytest.mark.slow
def test_so_many_that_they_are_too_much_for_one_request_are_put_and_read(index_side: IndexSide) -> None:
    index = index_side.built("openai", OPENAI_DIMENSIONS).users
    vectors = unit_vectors(MANY, OPENAI_DIMENSIONS)
    points = [_point(f"u{n}", f"w{n}", vector) for n, vector in enumerate(vectors)]

    index.put(points)

    ids = [point.id for point in points]
    assert index.marks(ids) == {point.id: point.mark for point in points}
    found = index.read(ids)
    assert all(_same(found[point.id], point) for point in points)


def test_payloads_that_are_too_much_for_one_request_are_put(index: VectorIndex) -> None:
    points = [_point(f"p{n}", text="tea " * 250_000) for n in range(40)]

    index.put(points)

    assert len(index.marks([point.id for point in points])) == 40


def test_nothing_to_do_is_no_error(index: VectorIndex) -> None:
    index.put([])
    index.remove([])
    index.remove_strays([])

    assert index.marks([]) == {}
    assert index.read([]) == {}
    assert index.page(None, 10) == PointsPage(ids=[], strays=[], next=None)


def test_what_is_set_up_first_is_searched_at_once(index_side: IndexSide, built: Built) -> None:
    vector = unit_vectors(1)[0]
    built.users.put([_point("ann", vector=vector)])

    assert built.generation.is_live()
    assert set(index_side.searched(vector)) == {"ann"}


def test_another_model_is_searched_once_it_goes_live_and_the_old_one_is_gone(
    index_side: IndexSide, built: Built
) -> None:
    vector = unit_vectors(1)[0]
    built.users.put([_point("ann", vector=vector)])
    new = index_side.built("model-2")
    assert (built.generation.is_live(), new.generation.is_live()) == (True, False)
    new.users.put([_point("ben", vector=vector)])
    assert set(index_side.searched(vector)) == {"ann"}

    new.generation.go_live()

    assert (built.generation.is_live(), new.generation.is_live()) == (False, True)
    assert set(index_side.searched(vector)) == {"ben"}
    assert not index_side.kept("model-1")
    assert new.users.marks(["ben"]) == {"ben": "w1"}


def test_to_go_live_again_changes_nothing(index_side: IndexSide, built: Built) -> None:
    vector = unit_vectors(1)[0]
    built.users.put([_point("ann", vector=vector)])

    built.generation.go_live()
    index_side.built().generation.go_live()

    assert built.generation.is_live()
    assert set(index_side.searched(vector)) == {"ann"}


def test_models_of_other_dimensions_are_apart(index_side: IndexSide, built: Built) -> None:
    built.users.put([_point("ann")])

    other = index_side.built("model-1-wide", DIMENSIONS + 1)

    assert other.users.marks(["ann"]) == {}
