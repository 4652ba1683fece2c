"""The catalogue in MongoDB: its revision, and what a cache of vectors may believe."""

from threading import Event, Thread

import pytest

from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.product_catalogue import MongoProductCatalogue
from adapters.mongodb.schema import MongoSchema
from application.ports.product_catalogue import CataloguePut
from application.subject_vectors import ReadSubjectVectors
from tests.builders import DIMENSIONS, in_catalogue, products, unit_vectors, viewed
from tests.integration.mongodb_parts import database_fixture  # noqa: F401

CHANGES = 60


@pytest.fixture
def catalogue(database: MongoDatabase) -> MongoProductCatalogue:
    return MongoProductCatalogue(database, DIMENSIONS, "model-1")


def test_a_vector_is_never_taken_from_a_cache_beyond_the_put_that_replaced_it(
    database: MongoDatabase, catalogue: MongoProductCatalogue
) -> None:
    vectors = unit_vectors(CHANGES)
    number = {vector.tobytes(): n for n, vector in enumerate(vectors)}
    returned, done, stale = [0], Event(), []
    catalogue.put([CataloguePut(product=in_catalogue(embedding=vectors[0]), expected_revision=0)])

    def read() -> None:
        mine = MongoProductCatalogue(database, DIMENSIONS, "model-1")
        cached = ReadSubjectVectors(mine, MemoryPhraseVectors(DIMENSIONS), "model-1")
        while not done.is_set():
            at_least = returned[0]
            seen = number[cached([viewed("m1", "tea")]).matrix[0].tobytes()]
            if seen < at_least:
                stale.append((seen, at_least))

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n, vector in enumerate(vectors[1:], start=1):
        product = in_catalogue(embedding=vector, revision=n + 1)
        assert catalogue.put([CataloguePut(product=product, expected_revision=n)]) == set()
        returned[0] = n
    done.set()
    for reader in readers:
        reader.join()

    assert stale == []


def test_a_put_that_is_repeated_after_a_crash_sets_another_revision(catalogue: MongoProductCatalogue) -> None:
    put = CataloguePut(product=in_catalogue(), expected_revision=0)
    catalogue.put([put])
    before = catalogue.revision()

    assert catalogue.put([put]) == {"tea"}

    assert catalogue.revision() != before


def test_a_catalogue_that_was_lost_and_put_anew_has_revisions_that_nobody_had_before(
    database: MongoDatabase, catalogue: MongoProductCatalogue
) -> None:
    revisions = []
    for _ in range(3):
        catalogue.put([CataloguePut(product=in_catalogue(), expected_revision=0)])
        revisions.append(catalogue.revision())
        for name in ("product_embeddings", "catalogue_revision"):
            database.collection(name).drop()
        assert catalogue.revision() == 0

    assert len({0, *revisions}) == 4


def test_of_many_changes_exactly_those_that_did_not_match_are_named(catalogue: MongoProductCatalogue) -> None:
    catalogue.put([CataloguePut(product=in_catalogue(f"p{n}"), expected_revision=0) for n in range(40)])

    unmatched = catalogue.put(
        [
            CataloguePut(product=in_catalogue(f"p{n}", revision=2), expected_revision=1 if n % 3 else 7)
            for n in range(30)
        ]
        + [CataloguePut(product=in_catalogue(f"p{n}"), expected_revision=0) for n in range(39, 42)]
    )

    assert unmatched == {f"p{n}" for n in range(0, 30, 3)} | {"p39"}
    assert set(catalogue.read(["p39", "p40", "p41"])) == {"p39", "p40", "p41"}


def test_products_of_another_model_are_outdated_until_they_are_put_anew(
    database: MongoDatabase, catalogue: MongoProductCatalogue
) -> None:
    old = [in_catalogue(f"p{n}", f"text {n}", model="model-0") for n in range(3)]
    catalogue.put([CataloguePut(product=product, expected_revision=0) for product in [in_catalogue("tea"), *old]])
    database.collection("product_embeddings").insert_one({"_id": "no text", "model": "model-0"})

    assert len(catalogue.outdated(2)) == 2
    assert sorted(p.product_id for p in catalogue.outdated(10)) == ["p0", "p1", "p2"]
    catalogue.put([CataloguePut(product=in_catalogue("p1", "text 1", revision=2), expected_revision=1)])
    assert sorted(p.product_id for p in catalogue.outdated(10)) == ["p0", "p2"]
    assert set(catalogue.outdated(10)) == set(products(p0="text 0", p2="text 2"))


def test_a_document_of_others_that_has_taken_a_product_makes_way_for_the_catalogues_own(
    database: MongoDatabase, catalogue: MongoProductCatalogue
) -> None:
    MongoSchema(database, DIMENSIONS).install()
    stray = {"product_id": "tea", "text": "by hand"}
    database.collection("product_embeddings").insert_one(stray, bypass_document_validation=True)
    put = CataloguePut(product=in_catalogue(), expected_revision=0)

    assert catalogue.put([put]) == {"tea"}
    assert catalogue.put([put]) == set()

    assert set(catalogue.read(["tea"])) == {"tea"}
