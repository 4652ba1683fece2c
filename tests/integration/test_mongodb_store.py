"""User embeddings in MongoDB: many writers, other programs' documents, and a server that goes away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import numpy as np
import pytest
from attrs import evolve

from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.schema import MongoSchema
from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
from application.ports.user_embedding_store import StateWrite
from domain.errors import UnavailableError
from tests.builders import DIMENSIONS, NOW, stored_state, unit_vector
from tests.integration.mongodb_parts import database_fixture  # noqa: F401
from tests.services.mongodb import MongodbServer, MongodbSpace
from tests.services.server import Origin

WRITERS = 8
USERS = [f"u{n}" for n in range(20)]
ROUNDS = 5

IMPATIENT = "?serverSelectionTimeoutMS=500&connectTimeoutMS=500&socketTimeoutMS=500"


@pytest.fixture
def store(database: MongoDatabase) -> MongoUserEmbeddingStore:
    return MongoUserEmbeddingStore(database, DIMENSIONS)


@pytest.fixture
def impatient(mongodb_server: MongodbServer, mongodb_space: MongodbSpace) -> Iterator[MongoUserEmbeddingStore]:
    """A store that gives its server half a second, on a server that is ours to stop."""
    if mongodb_server.origin == Origin.ENVIRONMENT:
        pytest.skip("THE SERVER OF MONGODB_URL IS NOT OURS TO STOP: unset it, and the tests start one")
    database = MongoDatabase(mongodb_space.url + IMPATIENT, mongodb_space.database)
    yield MongoUserEmbeddingStore(database, DIMENSIONS)
    database.dispose()
    mongodb_server.start()


def test_of_eight_writers_that_have_read_the_same_one_wins_each_user(store: MongoUserEmbeddingStore) -> None:
    barrier = Barrier(WRITERS, timeout=60)

    def write(writer: int) -> list[int]:
        lost = []
        for turn in range(ROUNDS):
            barrier.wait()
            seen = store.read(USERS)
            writes = [
                StateWrite(
                    state=evolve(
                        seen.get(user, stored_state(user, version=0)), version=turn + 1, write_id=f"{writer}-{turn}"
                    ),
                    expected=seen[user].write_id if user in seen else None,
                )
                for user in USERS
            ]
            barrier.wait()
            lost.append(store.write(writes))
        return lost

    with ThreadPoolExecutor(WRITERS) as threads:
        lost = list(threads.map(write, range(WRITERS)))

    assert [sum(turn) for turn in zip(*lost, strict=True)] == [(WRITERS - 1) * len(USERS)] * ROUNDS
    assert {state.version for state in store.read(USERS).values()} == {ROUNDS}


def test_no_write_of_eight_writers_at_once_is_lost_unnoticed(store: MongoUserEmbeddingStore) -> None:
    store.write([StateWrite(state=stored_state(user, write_id="start"), expected=None) for user in USERS])

    def write(writer: int) -> int:
        won = 0
        for turn in range(ROUNDS * 4):
            seen = store.read(USERS).values()
            writes = [
                StateWrite(
                    state=evolve(state, version=state.version + 1, write_id=f"{writer}-{turn}"), expected=state.write_id
                )
                for state in seen
            ]
            won += len(writes) - store.write(writes)
        return won

    with ThreadPoolExecutor(WRITERS) as threads:
        won = sum(threads.map(write, range(WRITERS)))

    assert sum(state.version - 1 for state in store.read(USERS).values()) == won


def test_operators_read_dates_and_numbers(database: MongoDatabase, store: MongoUserEmbeddingStore) -> None:
    as_of = NOW + timedelta(microseconds=123_456)
    state = stored_state(embedding=unit_vector(), norm=2.0, weight=3.0, as_of=as_of, event_count=1)
    store.write([StateWrite(state=state, expected=None)])

    found = database.collection("user_embeddings").find_one({"user_id": "ann", "as_of": {"$lte": as_of}})

    assert found is not None
    assert (found["as_of"], found["as_of_extra_us"]) == (NOW + timedelta(microseconds=123_000), 456)
    assert (found["version"], found["schema_version"], found["_id"]) == (1, 1, "ann")
    assert np.array_equal(np.frombuffer(found["embedding"], "<f4"), unit_vector())


def test_fields_that_others_have_put_into_a_document_go_with_the_next_write(
    database: MongoDatabase, store: MongoUserEmbeddingStore
) -> None:
    store.write([StateWrite(state=stored_state(), expected=None)])
    database.collection("user_embeddings").update_one({"user_id": "ann"}, {"$set": {"segment": 7}})

    assert store.write([StateWrite(state=stored_state(write_id="w2"), expected="w1")]) == 0

    assert database.collection("user_embeddings").count_documents({"segment": 7}) == 0


def test_a_document_of_others_that_has_taken_a_user_makes_way_for_the_users_own(
    database: MongoDatabase, store: MongoUserEmbeddingStore
) -> None:
    MongoSchema(database, DIMENSIONS).install()
    database.collection("user_embeddings").delete_many({})
    _insert_unvalidated(database, {"user_id": "ann", "embedding": [0.1, 0.2]})
    writes = [
        StateWrite(state=stored_state("ann", write_id="w2"), expected=None),
        StateWrite(state=stored_state("bob", write_id="w2"), expected=None),
    ]

    assert store.read(["ann"]) == {}
    assert store.write(writes) == 1
    assert store.write(writes[:1]) == 0

    assert {user: state.write_id for user, state in store.read(["ann", "bob"]).items()} == {"ann": "w2", "bob": "w2"}
    assert database.collection("user_embeddings").count_documents({}) == 2


def test_a_server_that_was_killed_is_unavailable_until_it_is_back(
    mongodb_server: MongodbServer, impatient: MongoUserEmbeddingStore
) -> None:
    impatient.write([StateWrite(state=stored_state("before"), expected=None)])
    mongodb_server.kill()

    with pytest.raises(UnavailableError, match="MONGODB_URL"):
        impatient.read(["before"])
    with pytest.raises(UnavailableError):
        impatient.write([StateWrite(state=stored_state("during"), expected=None)])

    mongodb_server.start()
    assert impatient.write([StateWrite(state=stored_state("after"), expected=None)]) == 0
    assert set(impatient.read(["during", "after"])) == {"after"}


def test_after_a_restart_that_nobody_noticed_a_write_fails_at_most_once(
    mongodb_server: MongodbServer, impatient: MongoUserEmbeddingStore
) -> None:
    impatient.write([StateWrite(state=stored_state("before"), expected=None)])
    mongodb_server.kill()
    mongodb_server.start()

    try:
        impatient.write([StateWrite(state=stored_state("first"), expected=None)])
    except UnavailableError:
        assert impatient.write([StateWrite(state=stored_state("second"), expected=None)]) == 0


def test_a_server_that_hangs_is_unavailable_until_it_goes_on(
    mongodb_server: MongodbServer, impatient: MongoUserEmbeddingStore
) -> None:
    impatient.write([StateWrite(state=stored_state("ann"), expected=None)])
    mongodb_server.pause()

    with pytest.raises(UnavailableError):
        impatient.read(["ann"])

    mongodb_server.start()
    assert set(impatient.read(["ann"])) == {"ann"}


def _insert_unvalidated(database: MongoDatabase, document: dict[str, object]) -> None:
    database.collection("user_embeddings").insert_one(document, bypass_document_validation=True)
