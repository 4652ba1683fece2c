"""What `penchant setup` makes in MongoDB, and what `penchant doctor` says about it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import BulkWriteError, WriteError

from adapters.mongodb import examination
from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.product_catalogue import MongoProductCatalogue
from adapters.mongodb.schema import MongoSchema
from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
from application.ports.examinable import Health
from application.ports.product_catalogue import CataloguePut
from application.ports.user_embedding_store import StateWrite
from domain.applied_positions import AppliedPositions
from domain.errors import ConfigurationError
from tests.builders import DIMENSIONS, NOW, in_catalogue, stored_state, unit_vector
from tests.integration.mongodb_parts import database_fixture  # noqa: F401
from tests.services.mongodb import MongodbServer


@pytest.fixture
def schema(database: MongoDatabase) -> MongoSchema:
    return MongoSchema(database, DIMENSIONS)


@pytest.fixture
def validated(mongodb_server: MongodbServer, database: MongoDatabase, schema: MongoSchema) -> MongoDatabase:
    if not mongodb_server.enforces_validators:
        pytest.skip("THE STAND-IN KEEPS NO VALIDATORS: set MONGODB_URL, start Docker or install mongod to try them")
    schema.install()
    return database


def _indexes(database: MongoDatabase, name: str) -> dict[str, bool]:
    """Fields, each with whether it is unique."""
    found = database.collection(name).index_information().values()
    return {index["key"][0][0]: index.get("unique", False) for index in found if index["key"][0][0] != "_id"}


def _whole_state() -> StateWrite:
    state = stored_state(
        embedding=unit_vector(), norm=2.0, weight=3.0, as_of=NOW, event_count=1, applied=AppliedPositions(5, ((2, 3),))
    )
    return StateWrite(state=state, expected=None)


def test_indexes_are_made_once(database: MongoDatabase, schema: MongoSchema) -> None:
    first = schema.install()

    assert schema.install() == []
    assert any("user_id" in sentence for sentence in first)
    assert _indexes(database, "user_embeddings") == {"user_id": True, "last_updated": False, "version": False}
    assert _indexes(database, "product_embeddings") == {
        "product_id": True,
        "model": False,
        "attributes.name": False,
    }


def test_several_processes_may_install_at_once(database: MongoDatabase, schema: MongoSchema) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: schema.install(), range(4)))

    assert schema.install() == []
    assert set(_indexes(database, "user_embeddings")) == {"user_id", "last_updated", "version"}


def test_collections_that_were_written_before_get_what_they_lack(database: MongoDatabase, schema: MongoSchema) -> None:
    MongoUserEmbeddingStore(database, DIMENSIONS).write([_whole_state()])

    assert schema.install()

    assert _indexes(database, "user_embeddings")["user_id"]
    assert set(MongoUserEmbeddingStore(database, DIMENSIONS).read(["ann"])) == {"ann"}


def test_an_index_of_others_in_the_way_is_named(database: MongoDatabase, schema: MongoSchema) -> None:
    database.collection("user_embeddings").create_index("user_id")

    with pytest.raises(ConfigurationError, match="user_embeddings.*user_id_1"):
        schema.install()


def test_documents_that_keep_an_index_from_being_unique_are_named(database: MongoDatabase, schema: MongoSchema) -> None:
    database.collection("user_embeddings").insert_many([{"user_id": "ann"}, {"user_id": "ann"}])

    with pytest.raises(ConfigurationError, match="user_embeddings.*same user_id"):
        schema.install()


def test_a_server_without_validators_is_said_to_have_none(
    mongodb_server: MongodbServer, database: MongoDatabase, schema: MongoSchema
) -> None:
    sentences = schema.install()

    assert any("no validators" in sentence for sentence in sentences) is not mongodb_server.enforces_validators


def test_what_penchant_writes_passes_the_validators(validated: MongoDatabase) -> None:
    store = MongoUserEmbeddingStore(validated, DIMENSIONS)
    catalogue = MongoProductCatalogue(validated, DIMENSIONS, "model-1")

    assert store.write([_whole_state(), StateWrite(state=stored_state("bob"), expected=None)]) == 0
    assert catalogue.put([CataloguePut(product=in_catalogue(), expected_revision=0)]) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"embedding": [0.1]}},
        {"$set": {"norm": "much"}},
        {"$set": {"norm": -1.0}},
        {"$set": {"position": 1.5}},
        {"$set": {"missing": [[1]]}},
        {"$set": {"as_of": "yesterday"}},
        {"$set": {"as_of_extra_us": 1_000}},
        {"$set": {"schema_version": 2}},
        {"$unset": {"write_id": 1}},
        {"$unset": {"user_id": 1}},
    ],
)
def test_the_validator_keeps_nonsense_out(validated: MongoDatabase, change: dict[str, Any]) -> None:
    MongoUserEmbeddingStore(validated, DIMENSIONS).write([_whole_state()])

    with pytest.raises((WriteError, BulkWriteError)):
        validated.collection("user_embeddings").update_one({"_id": "ann"}, change)


def test_a_validator_that_somebody_changed_is_found_and_set_anew(validated: MongoDatabase, schema: MongoSchema) -> None:
    validated.command("collMod", "user_embeddings", validator={}, validationLevel="off")
    assert {f.health for f in schema.examine() if f.subject == "validator"} == {Health.OK, Health.WARNING}

    assert schema.install() == ["Set the validator of user_embeddings."]

    assert {f.health for f in schema.examine() if f.subject == "validator"} == {Health.OK}


def test_an_examination_looks_at_everything_and_changes_nothing(database: MongoDatabase, schema: MongoSchema) -> None:
    before = schema.examine()
    assert schema.install()
    after = schema.examine()

    assert all(finding.part == "MongoDB" for finding in before)
    assert {"connection", "version", "latency", "deployment", "clock", "permissions"} <= {f.subject for f in before}
    assert {f.health for f in before if f.subject == "collections"} == {Health.WARNING}
    assert {f.health for f in after if f.subject == "indexes"} == {Health.OK}
    assert not [f for f in after if f.subject == "collections" or f.health is Health.FAILED]


def test_a_missing_index_is_found(database: MongoDatabase, schema: MongoSchema) -> None:
    schema.install()
    database.collection("user_embeddings").drop_index("last_updated_1")

    found = [f for f in schema.examine() if f.subject == "indexes" and f.health is not Health.OK]

    assert [("last_updated" in f.text, "penchant setup" in f.remedy) for f in found] == [(True, True)]


def test_vectors_of_another_length_are_found(database: MongoDatabase) -> None:
    MongoUserEmbeddingStore(database, DIMENSIONS).write([_whole_state()])

    findings = MongoSchema(database, DIMENSIONS + 1).examine()

    assert [f.health for f in findings if f.subject == "vectors"] == [Health.WARNING]


def test_the_stand_in_is_called_what_it_is(mongodb_server: MongodbServer, schema: MongoSchema) -> None:
    found = next(f for f in schema.examine() if f.subject == "version")

    assert ("stand-in" in found.text) is not mongodb_server.enforces_validators


@pytest.mark.parametrize(
    ("build", "health"),
    [
        ({"version": "4.4.9", "versionArray": [4, 4, 9, 0], "gitVersion": "x"}, Health.FAILED),
        ({"version": "5.0.0", "versionArray": [5, 0, 0, 0], "gitVersion": "x"}, Health.OK),
        ({"version": "10.0.0", "versionArray": [10, 0, 0, 0], "gitVersion": "x"}, Health.OK),
    ],
)
def test_a_server_older_than_five_will_not_do(build: dict[str, Any], health: Health) -> None:
    assert examination.version(build).health is health


@pytest.mark.parametrize(
    ("hello", "health", "word"),
    [
        ({"setName": "rs0", "hosts": ["a", "b", "c"]}, Health.OK, "rs0"),
        ({"setName": "rs0", "hosts": ["a"]}, Health.WARNING, "no majority"),
        ({"msg": "isdbgrid"}, Health.WARNING, "sharded"),
        ({}, Health.WARNING, "lost with its disk"),
    ],
)
def test_it_is_said_what_a_majority_is_worth_here(hello: dict[str, Any], health: Health, word: str) -> None:
    found = examination.deployment(hello)

    assert (found.health, word in found.text) == (health, True)


@pytest.mark.parametrize(("seconds", "health"), [(0, Health.OK), (60, Health.WARNING), (-60, Health.WARNING)])
def test_a_clock_that_differs_is_found(seconds: int, health: Health) -> None:
    found = examination.clock(NOW, NOW + timedelta(seconds=seconds), NOW + timedelta(milliseconds=20))

    assert found.health is health


def _info(*actions: str, **resource: str) -> dict[str, Any]:
    privilege = {"resource": resource, "actions": list(actions)}
    return {"authenticatedUsers": [{"user": "ann"}], "authenticatedUserPrivileges": [privilege]}


WORK = ("find", "insert", "update", "remove")
SETUP = ("createCollection", "createIndex", "listIndexes", "listCollections", "collMod")


@pytest.mark.parametrize(
    ("info", "health"),
    [
        ({"authenticatedUsers": []}, Health.WARNING),
        (_info(*WORK, *SETUP, db="penchant", collection=""), Health.OK),
        (_info(*WORK, *SETUP, db="", collection=""), Health.OK),
        (_info(*WORK, db="penchant", collection=""), Health.WARNING),
        (_info("find", db="penchant", collection=""), Health.FAILED),
        (_info(*WORK, *SETUP, db="other", collection=""), Health.FAILED),
        (_info(*WORK, *SETUP, db="penchant", collection="user_embeddings"), Health.FAILED),
    ],
)
def test_a_user_who_may_not_do_enough_is_found(info: dict[str, Any], health: Health) -> None:
    assert examination.permissions(info, "penchant").health is health
