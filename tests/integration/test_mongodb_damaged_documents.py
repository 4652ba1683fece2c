"""Documents that another program damaged: their users are rebuilt, and nobody else is kept from being read."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from bson import Binary, Decimal128, Int64, Regex
from bson.datetime_ms import DatetimeMS
from bson.objectid import ObjectId

from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.product_catalogue import MongoProductCatalogue
from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
from application.ports.product_catalogue import CataloguePut
from application.ports.user_embedding_store import StateWrite
from domain.applied_positions import AppliedPositions
from domain.user_embedding import UNREADABLE, UserEmbedding
from tests.builders import DIMENSIONS, NOW, in_catalogue, stored_state, unit_vector
from tests.integration.mongodb_parts import database_fixture  # noqa: F401

FIELDS = (
    "user_id", "embedding", "norm", "weight", "error", "as_of", "as_of_extra_us", "last_updated",
    "last_updated_extra_us", "event_count", "position", "missing", "missing_after_rebuild", "recipe", "model",
    "version", "schema_version",
)  # fmt: skip
"""All but `_id` and `write_id`."""

NONSENSE = [
    *(pytest.param({"$unset": {name: 1}}, id=f"without {name}") for name in FIELDS),
    *(pytest.param({"$set": {name: {"a": [1]}}}, id=f"an object for {name}") for name in FIELDS),
    *(pytest.param({"$set": {name: None}}, id=f"null for {name}") for name in FIELDS),
    pytest.param({"$set": {"schema_version": 2}}, id="another schema version"),
    pytest.param({"$set": {"user_id": "eve"}}, id="the id of somebody else"),
    pytest.param({"$set": {"embedding": [0.5] * DIMENSIONS}}, id="an embedding of doubles"),
    pytest.param({"$set": {"embedding": Binary(b"\x00" * 16, 4)}}, id="an embedding of another subtype"),
    pytest.param({"$set": {"norm": float("nan")}}, id="a norm that is not a number"),
    pytest.param({"$set": {"weight": -1.0}}, id="a negative weight"),
    pytest.param({"$set": {"norm": Decimal128("2.5")}}, id="a decimal norm"),
    pytest.param({"$set": {"norm": 3}}, id="a whole norm"),
    pytest.param({"$set": {"position": 6.0}}, id="a fractional position"),
    pytest.param({"$set": {"position": True}}, id="a position that is true"),
    pytest.param({"$set": {"version": -1}}, id="a negative version"),
    pytest.param({"$set": {"version": Int64(2**63 - 1)}}, id="a version that nobody can count up"),
    pytest.param({"$set": {"missing": [[2.0, 4.0]]}}, id="ranges of fractions"),
    pytest.param({"$set": {"missing": [[2, 3, 4]]}}, id="ranges of three"),
    pytest.param({"$set": {"missing": [2, 3]}}, id="positions for ranges"),
    pytest.param({"$set": {"as_of_extra_us": 1_000}}, id="too many microseconds"),
    pytest.param({"$set": {"as_of": DatetimeMS(2**60)}}, id="a date in the far future"),
    pytest.param({"$set": {"last_updated": DatetimeMS(-(2**60))}}, id="a date in the far past"),
    pytest.param({"$set": {"recipe": Regex("a(")}}, id="a pattern for the recipe"),
]

NO_WRITE_IDS = [
    pytest.param({"$unset": {"write_id": 1}}, id="none"),
    pytest.param({"$set": {"write_id": None}}, id="null"),
    pytest.param({"$set": {"write_id": 7}}, id="a number"),
    pytest.param({"$set": {"write_id": ["w-ann"]}}, id="a list"),
    pytest.param({"$set": {"write_id": []}}, id="an empty list"),
    pytest.param({"$set": {"write_id": {"a": "w-ann"}}}, id="an object"),
]


@pytest.fixture
def store(database: MongoDatabase) -> MongoUserEmbeddingStore:
    store = MongoUserEmbeddingStore(database, DIMENSIONS)
    store.write([StateWrite(state=_live(user, f"w-{user}"), expected=None) for user in ("ann", "bob")])
    return store


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


def _spoil(database: MongoDatabase, change: dict[str, Any]) -> None:
    database.collection("user_embeddings").update_one({"_id": "ann"}, change)


@pytest.mark.parametrize("change", NONSENSE)
def test_a_damaged_document_is_of_no_recipe_and_can_be_replaced(
    database: MongoDatabase, store: MongoUserEmbeddingStore, change: dict[str, Any]
) -> None:
    _spoil(database, change)

    found = store.read(["ann", "bob"])

    assert (found["ann"].user_id, found["ann"].recipe, found["ann"].write_id) == ("ann", UNREADABLE, "w-ann")
    assert (found["bob"].recipe, found["bob"].version) == ("recipe-1", 7)
    assert store.write([StateWrite(state=_live("ann", "w2"), expected="w-ann")]) == 0
    assert (store.read(["ann"])["ann"].recipe, store.read(["ann"])["ann"].write_id) == ("recipe-1", "w2")


@pytest.mark.parametrize("change", NO_WRITE_IDS)
def test_a_document_without_a_write_id_is_replaced_once_by_whoever_has_read_it(
    database: MongoDatabase, store: MongoUserEmbeddingStore, change: dict[str, Any]
) -> None:
    _spoil(database, change)
    seen = store.read(["ann", "bob"])

    assert (seen["ann"].recipe, seen["ann"].version, seen["bob"].recipe) == (UNREADABLE, 7, "recipe-1")
    assert store.write([StateWrite(state=_live("ann", "w2"), expected="w-other")]) == 1
    assert store.write([StateWrite(state=_live("ann", "w2"), expected=None)]) == 1
    assert store.write([StateWrite(state=_live("ann", "w2"), expected=seen["ann"].write_id)]) == 0
    assert store.write([StateWrite(state=_live("ann", "w3"), expected=seen["ann"].write_id)]) == 1

    assert store.read(["ann"])["ann"].write_id == "w2"


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"embedding": np.full(DIMENSIONS, np.nan, dtype="<f4").tobytes()}},
        {"$set": {"embedding": b"\x00" * 15}},
        {"$set": {"embedding": "text"}},
        {"$unset": {"embedding": 1}},
        {"$set": {"schema_version": 2}},
    ],
)
def test_an_embedding_that_makes_no_sense_hides_no_other(
    database: MongoDatabase, store: MongoUserEmbeddingStore, change: dict[str, Any]
) -> None:
    _spoil(database, change)
    database.collection("user_embeddings").insert_one({"embedding": unit_vector().tobytes(), "schema_version": 1})

    assert [user_id for ids, _ in store.embeddings(1) for user_id in ids] == ["bob"]
    assert list(store.user_ids(None, 10)) == ["ann", "bob"]
    assert store.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"$unset": {"text": 1}},
        {"$set": {"text": " "}},
        {"$set": {"embedding": b"\x00" * 15}},
        {"$unset": {"model": 1}},
        {"$set": {"updated_at": DatetimeMS(2**60)}},
        {"$set": {"schema_version": 2}},
        {"$set": {"product_id": "cup"}},
        {"$set": {"attributes": "red"}},
        {"$set": {"attributes": ["colour=red"]}},
        {"$set": {"attributes": [{"name": "colour"}]}},
        {"$set": {"attributes": None}},
    ],
)
def test_a_damaged_product_is_put_anew_by_the_next_import(database: MongoDatabase, change: dict[str, Any]) -> None:
    catalogue = MongoProductCatalogue(database, DIMENSIONS, "model-1")
    catalogue.put([CataloguePut(product=in_catalogue("tea"), expected_revision=0)])
    database.collection("product_embeddings").update_one({"_id": "tea"}, change)

    seen = catalogue.read(["tea"])["tea"]

    assert (seen.model, seen.revision) == (UNREADABLE, 1)
    assert catalogue.put([CataloguePut(product=in_catalogue("tea", revision=2), expected_revision=1)]) == set()
    assert catalogue.read(["tea"])["tea"].product == in_catalogue("tea").product


def test_a_product_that_an_older_program_put_has_no_attributes_and_no_vector_of_its_own(
    database: MongoDatabase,
) -> None:
    catalogue = MongoProductCatalogue(database, DIMENSIONS, "model-1")
    catalogue.put([CataloguePut(product=in_catalogue("tea"), expected_revision=0)])
    database.collection("product_embeddings").update_one({"_id": "tea"}, {"$unset": {"attributes": 1, "own_vector": 1}})

    assert catalogue.read(["tea"])["tea"].product == in_catalogue("tea").product
    assert list(MongoProductCatalogue(database, DIMENSIONS, "model-2").outdated(10)) == [in_catalogue("tea").product]


@pytest.mark.parametrize(
    "change",
    [
        {"$unset": {"product_id": 1}},
        {"$set": {"product_id": "p9"}},
        {"$set": {"revision": 2.0}},
        {"$set": {"updated_at": None}},
        {"$set": {"updated_at": "2026-03-01"}},
        {"$set": {"updated_at": DatetimeMS(2**60)}},
        {"$set": {"updated_at_extra_us": 1_000}},
        {"$set": {"schema_version": 2}},
    ],
)
def test_products_that_make_no_sense_have_no_stamps_and_do_not_end_the_pages(
    database: MongoDatabase, change: dict[str, Any]
) -> None:
    catalogue = MongoProductCatalogue(database, DIMENSIONS, "model-1")
    catalogue.put([CataloguePut(product=in_catalogue(f"p{n}"), expected_revision=0) for n in range(6)])
    documents = database.collection("product_embeddings")
    for n in range(1, 5):
        documents.update_one({"_id": f"p{n}"}, change)
    like_ours = documents.find_one({"_id": "p0"}, {"_id": 0, "product_id": 0})
    assert like_ours is not None
    documents.insert_many([{**like_ours, "_id": key, "product_id": f"by hand {key}"} for key in (7, ObjectId())])

    assert [stamp.product_id for stamp in catalogue.stamps(None, 1)] == ["p0"]
    assert [stamp.product_id for stamp in catalogue.stamps("p0", 2)] == ["p5"]
    assert list(catalogue.stamps("p5", 2)) == []


@pytest.mark.parametrize("revision", [None, "one", 0, -1, 2.0, [1]])
def test_a_product_whose_revision_nobody_can_name_counts_as_none(database: MongoDatabase, revision: object) -> None:
    catalogue = MongoProductCatalogue(database, DIMENSIONS, "model-1")
    catalogue.put([CataloguePut(product=in_catalogue("tea"), expected_revision=0)])
    database.collection("product_embeddings").update_one({"_id": "tea"}, {"$set": {"revision": revision}})

    assert catalogue.read(["tea"]) == {}
    assert catalogue.put([CataloguePut(product=in_catalogue("tea", "black tea"), expected_revision=0)]) == set()

    assert catalogue.read(["tea"])["tea"].product.text == "black tea"


def test_a_document_with_microseconds_before_1970_is_read(
    database: MongoDatabase, store: MongoUserEmbeddingStore
) -> None:
    long_ago = datetime(1960, 1, 1, microsecond=1, tzinfo=UTC)
    state = stored_state("old", as_of=long_ago, event_count=1, last_updated=long_ago)
    store.write([StateWrite(state=state, expected=None)])

    assert (store.read(["old"])["old"].as_of, store.read(["old"])["old"].last_updated) == (long_ago, long_ago)
