"""What every store of user embeddings promises."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import Any

import numpy as np
import pytest
from attrs import asdict, evolve

from application.ports.user_embedding_store import StateWrite, UserEmbeddingStore
from domain.applied_positions import AppliedPositions
from domain.user_embedding import UserEmbedding
from tests.builders import NOW, ODD_TEXTS, stored_state, unit_vector, unit_vectors


def _write(store: UserEmbeddingStore, state: UserEmbedding, expected: str | None = None) -> bool:
    """Whether it was written."""
    return store.write([StateWrite(state=state, expected=expected)]) == 0


def _live(user_id: str = "ann", **fields: Any) -> UserEmbedding:
    defaults: dict[str, Any] = {"embedding": unit_vector(), "norm": 2.5, "weight": 3.0, "as_of": NOW, "event_count": 3}
    return stored_state(user_id, **(defaults | fields))


def _fields(state: UserEmbedding) -> Mapping[str, Any]:
    """All that a state holds, in a form that can be compared."""
    bits = state.embedding.astype("<f4").tobytes() if state.embedding is not None else None
    return {**asdict(state), "embedding": bits}


def test_a_state_comes_back_whole(store: UserEmbeddingStore) -> None:
    state = _live(
        weight=1 / 3,
        error=5e-324,
        norm=1.7976931348623157e308,
        as_of=NOW + timedelta(microseconds=1),
        last_updated=NOW + timedelta(microseconds=999_999),
        event_count=2**40,
        applied=AppliedPositions(2**40, ((1, 2), (5, 5), (9, 2**33))),
        missing_after_rebuild=7,
        version=2**40,
        write_id="x" * 36,
    )

    assert _write(store, state)

    assert _fields(store.read(["ann"])["ann"]) == _fields(state)


def test_a_state_without_live_events_comes_back(store: UserEmbeddingStore) -> None:
    state = stored_state(applied=AppliedPositions(2))

    _write(store, state)

    assert _fields(store.read(["ann"])["ann"]) == _fields(state)


def test_a_state_whose_events_cancel_out_comes_back(store: UserEmbeddingStore) -> None:
    state = _live(embedding=None, norm=0.0, error=1e-17, event_count=2, applied=AppliedPositions(2))

    _write(store, state)

    assert _fields(store.read(["ann"])["ann"]) == _fields(state)


def test_embeddings_and_numbers_keep_every_bit(store: UserEmbeddingStore) -> None:
    vectors = unit_vectors(20, dimensions=1_536)
    vectors[0, :4] = (np.finfo(np.float32).tiny, np.float32(1e-45), np.float32(-0.0), np.nextafter(np.float32(1), 0))
    numbers = np.random.default_rng(1).lognormal(sigma=20, size=(20, 3))
    states = [
        _live(f"u{n}", embedding=vectors[n], norm=float(norm), weight=float(weight), error=float(error))
        for n, (norm, weight, error) in enumerate(numbers)
    ]

    store.write([StateWrite(state=state, expected=None) for state in states])

    found = store.read([state.user_id for state in states])
    assert [_fields(found[state.user_id]) for state in states] == [_fields(state) for state in states]
    assert all(s.embedding is not None and s.embedding.dtype == np.float32 for s in found.values())


def test_users_without_a_state_are_left_out(store: UserEmbeddingStore) -> None:
    _write(store, stored_state("ann"))

    assert set(store.read(["ann", "bob"])) == {"ann"}
    assert store.read([]) == {}


def test_user_ids_are_compared_byte_by_byte(store: UserEmbeddingStore) -> None:
    for n, user_id in enumerate(ODD_TEXTS):
        assert _write(store, stored_state(user_id, write_id=f"w{n}"))

    assert {u: s.write_id for u, s in store.read(ODD_TEXTS).items()} == {u: f"w{n}" for n, u in enumerate(ODD_TEXTS)}
    assert store.read(["Abc", "abc  ", "ab", "a\x00"]) == {}
    assert store.count() == len(ODD_TEXTS)


def test_a_write_that_expects_what_is_stored_replaces_it(store: UserEmbeddingStore) -> None:
    _write(store, _live(write_id="w1"))

    assert _write(store, stored_state(write_id="w2", version=2), expected="w1")

    found = store.read(["ann"])["ann"]
    assert (found.write_id, found.version, found.embedding, found.as_of) == ("w2", 2, None, None)


@pytest.mark.parametrize("expected", [None, "w0", "W1", "w1 ", ""])
def test_a_write_that_expects_something_else_loses_and_changes_nothing(
    store: UserEmbeddingStore, expected: str | None
) -> None:
    _write(store, _live(write_id="w1"))

    assert not _write(store, stored_state(write_id="w2"), expected)

    assert _fields(store.read(["ann"])["ann"]) == _fields(_live(write_id="w1"))


def test_a_write_that_expects_a_state_where_there_is_none_loses(store: UserEmbeddingStore) -> None:
    assert not _write(store, stored_state(write_id="w2"), expected="w1")

    assert store.count() == 0


def test_the_same_write_again_loses(store: UserEmbeddingStore) -> None:
    _write(store, stored_state(write_id="w1"))

    assert _write(store, stored_state(write_id="w2"), expected="w1")
    assert not _write(store, stored_state(write_id="w2"), expected="w1")
    assert not _write(store, stored_state(write_id="w3"))


def test_losers_are_counted_and_winners_written(store: UserEmbeddingStore) -> None:
    for user_id in ("ann", "bob", "eve"):
        _write(store, stored_state(user_id, write_id="w1"))

    lost = store.write(
        [
            StateWrite(state=stored_state("ann", write_id="w2"), expected="w1"),
            StateWrite(state=stored_state("bob", write_id="w2"), expected="w0"),
            StateWrite(state=stored_state("eve", write_id="w2"), expected=None),
            StateWrite(state=stored_state("new", write_id="w2"), expected=None),
            StateWrite(state=stored_state("none", write_id="w2"), expected="w1"),
        ]
    )

    assert lost == 3
    found = store.read(["ann", "bob", "eve", "new", "none"])
    assert {u: s.write_id for u, s in found.items()} == {"ann": "w2", "bob": "w1", "eve": "w1", "new": "w2"}


def test_writing_nothing_loses_nothing(store: UserEmbeddingStore) -> None:
    assert store.write([]) == 0


@pytest.mark.parametrize("expected", [None, "w1"])
def test_of_many_writers_that_expect_the_same_one_wins(store: UserEmbeddingStore, expected: str | None) -> None:
    if expected is not None:
        _write(store, stored_state(write_id=expected))

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(lambda n: _write(store, stored_state(write_id=f"by-{n}"), expected), range(12)))

    assert won.count(True) == 1
    assert store.read(["ann"])["ann"].write_id == f"by-{won.index(True)}"


def test_no_write_is_overwritten_by_one_that_did_not_read_it(store: UserEmbeddingStore) -> None:
    _write(store, stored_state(write_id="start"))

    def count_one_more(n: int) -> None:
        while True:
            seen = store.read(["ann"])["ann"]
            more = evolve(seen, event_count=seen.event_count + 1, as_of=NOW, write_id=f"by-{n}")
            if _write(store, more, expected=seen.write_id):
                return

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(count_one_more, range(15)))

    assert store.read(["ann"])["ann"].event_count == 15


def test_user_ids_come_page_by_page_each_once(store: UserEmbeddingStore) -> None:
    for user_id in ODD_TEXTS:
        _write(store, stored_state(user_id))

    pages = [store.user_ids(None, 2)]
    for _ in ODD_TEXTS:
        pages.append(store.user_ids(pages[-1][-1], 2) if pages[-1] else [])

    assert max(map(len, pages)) == 2
    assert sorted(chain.from_iterable(pages)) == sorted(ODD_TEXTS)


def test_embeddings_come_in_pages_without_the_users_that_have_none(store: UserEmbeddingStore) -> None:
    vectors = unit_vectors(7)
    for n, vector in enumerate(vectors):
        _write(store, _live(f"u{n}", embedding=vector))
    _write(store, stored_state("nothing"))
    _write(store, _live("cancelled", embedding=None, norm=0.0))

    pages = list(store.embeddings(3))

    assert all(matrix.shape == (len(ids), 4) and matrix.dtype == np.float32 for ids, matrix in pages)
    assert max(len(ids) for ids, _ in pages) <= 3
    rows = {user_id: row.tobytes() for ids, matrix in pages for user_id, row in zip(ids, matrix, strict=True)}
    assert rows == {f"u{n}": vector.tobytes() for n, vector in enumerate(vectors)}
    assert sum(len(ids) for ids, _ in pages) == 7


def test_an_empty_store_has_nothing(store: UserEmbeddingStore) -> None:
    assert (store.count(), list(store.user_ids(None, 10)), list(store.embeddings(10))) == (0, [], [])
