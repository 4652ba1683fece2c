"""A stored state that makes no sense is of no recipe, so that its user is rebuilt; and it can be replaced."""

from typing import Any

import numpy as np
import pytest

from application.ports.user_embedding_store import StateWrite, UserEmbeddingStore
from domain.applied_positions import AppliedPositions
from domain.user_embedding import UNREADABLE, UserEmbedding
from tests.builders import DIMENSIONS, NOW, stored_state, unit_vector
from tests.contract.adapters import SPOILABLE_STORES, Space, Spoil

NONSENSE = [
    pytest.param({"embedding": b"\x00" * 15}, id="an embedding cut short"),
    pytest.param({"embedding": np.array([np.nan, 0, 0, 1], dtype="<f4").tobytes()}, id="an embedding with NaN"),
    pytest.param({"embedding": np.array([np.inf, 0, 0, 1], dtype="<f4").tobytes()}, id="an embedding with infinity"),
    pytest.param({"embedding": "text"}, id="an embedding that is text"),
    pytest.param({"embedding": None}, id="norm without an embedding"),
    pytest.param({"norm": 0.0}, id="an embedding without a norm"),
    pytest.param({"norm": -1.0}, id="a negative norm"),
    pytest.param({"norm": "much"}, id="a norm that is text"),
    pytest.param({"weight": float("inf")}, id="an infinite weight"),
    pytest.param({"error": float("inf")}, id="an infinite error"),
    pytest.param({"as_of": None}, id="live events without a time"),
    pytest.param({"as_of": "yesterday"}, id="a time that is none"),
    pytest.param({"event_count": 0}, id="a time without live events"),
    pytest.param({"position": -1, "missing": "[]"}, id="a negative position"),
    pytest.param({"position": "many", "missing": "[]"}, id="a position that is text"),
    pytest.param({"missing": "[[3, 2]]"}, id="a range that goes backwards"),
    pytest.param({"missing": "[[2, 9]]"}, id="a range beyond the position"),
    pytest.param({"missing": "[[1, 2], [2, 3]]"}, id="ranges that overlap"),
    pytest.param({"missing": '["12", "34"]'}, id="ranges that are text"),
    pytest.param({"missing": "7"}, id="a number for ranges"),
    pytest.param({"missing": "null"}, id="nothing for ranges"),
    pytest.param({"missing": "no JSON"}, id="ranges that are no JSON"),
]


def _live(user_id: str, write_id: str) -> UserEmbedding:
    return stored_state(
        user_id,
        write_id,
        embedding=unit_vector(),
        norm=2.0,
        weight=3.0,
        as_of=NOW,
        event_count=2,
        applied=AppliedPositions(5, ((2, 3),)),
        version=7,
    )


@pytest.fixture(params=SPOILABLE_STORES)
def spoilable(request: pytest.FixtureRequest, space: Space) -> tuple[UserEmbeddingStore, Spoil]:
    store, spoil = SPOILABLE_STORES[request.param](space)
    store.write([StateWrite(state=_live(user, f"w-{user}"), expected=None) for user in ("ann", "bob")])
    return store, spoil


@pytest.fixture
def store(spoilable: tuple[UserEmbeddingStore, Spoil]) -> UserEmbeddingStore:
    return spoilable[0]


@pytest.fixture
def spoil(spoilable: tuple[UserEmbeddingStore, Spoil]) -> Spoil:
    return spoilable[1]


def test_a_state_as_it_was_written_is_readable(store: UserEmbeddingStore) -> None:
    assert {state.recipe for state in store.read(["ann", "bob"]).values()} == {"recipe-1"}


@pytest.mark.parametrize("values", NONSENSE)
def test_nonsense_is_read_as_a_state_of_no_recipe(
    store: UserEmbeddingStore, spoil: Spoil, values: dict[str, Any]
) -> None:
    spoil("ann", values)

    found = store.read(["ann", "bob"])

    assert (found["ann"].recipe, found["ann"].version, found["ann"].write_id) == (UNREADABLE, 7, "w-ann")
    assert (found["ann"].embedding, found["ann"].applied, found["ann"].event_count) == (None, AppliedPositions(), 0)
    assert (found["bob"].recipe, found["bob"].event_count) == ("recipe-1", 2)


@pytest.mark.parametrize("values", NONSENSE)
def test_nonsense_can_be_replaced_by_whoever_has_read_it(
    store: UserEmbeddingStore, spoil: Spoil, values: dict[str, Any]
) -> None:
    spoil("ann", values)
    seen = store.read(["ann"])["ann"]

    assert store.write([StateWrite(state=_live("ann", "w2"), expected="w-other")]) == 1
    assert store.write([StateWrite(state=_live("ann", "w2"), expected=seen.write_id)]) == 0

    assert (store.read(["ann"])["ann"].recipe, store.read(["ann"])["ann"].write_id) == ("recipe-1", "w2")


@pytest.mark.parametrize(
    "embedding",
    [b"\x00" * 15, b"\x00" * 4 * (DIMENSIONS - 1), np.array([np.nan, 0, 0, 1], dtype="<f4").tobytes(), "text"],
    ids=["cut short", "a number short", "with NaN", "text"],
)
def test_an_embedding_that_makes_no_sense_hides_no_other(
    store: UserEmbeddingStore, spoil: Spoil, embedding: bytes | str
) -> None:
    spoil("ann", {"embedding": embedding})

    assert [user_id for ids, _ in store.embeddings(10) for user_id in ids] == ["bob"]
