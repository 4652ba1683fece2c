"""Product vectors are read once, and again as soon as the catalogue has changed."""

import numpy as np
import pytest

from adapters.memory.product_catalogue import MemoryPhraseVectors, MemoryProductCatalogue
from application.ports.product_catalogue import CataloguePut
from application.subject_vectors import ReadSubjectVectors
from domain.product import ProductEmbedding
from tests.builders import DIMENSIONS, in_catalogue, unit_vector, viewed

MODEL = "model-1"


class CountingCatalogue(MemoryProductCatalogue):
    """Counts the products whose vectors it was asked for."""

    asked = 0

    def vectors(self, product_ids):  # type: ignore[no-untyped-def]
        self.asked += len(product_ids)
        return super().vectors(product_ids)


@pytest.fixture
def catalogue() -> CountingCatalogue:
    return CountingCatalogue(DIMENSIONS, "model-1")


@pytest.fixture
def read(catalogue: CountingCatalogue) -> ReadSubjectVectors:
    return ReadSubjectVectors(catalogue, MemoryPhraseVectors(DIMENSIONS), MODEL)


def put(catalogue: CountingCatalogue, product: ProductEmbedding) -> None:
    assert not catalogue.put([CataloguePut(product=product, expected_revision=product.revision - 1)])


def test_a_vector_is_asked_for_once(catalogue: CountingCatalogue, read: ReadSubjectVectors) -> None:
    for product_id in ("tea", "mug"):
        put(catalogue, in_catalogue(product_id, embedding=unit_vector(len(product_id))))

    read([viewed("m1", "tea")])
    vectors = read([viewed("m2", "mug"), viewed("m3", "tea")])
    read([viewed("m4", "tea")])

    assert catalogue.asked == 2
    assert set(vectors.products) == {"tea", "mug"}
    np.testing.assert_array_equal(vectors.matrix[vectors.products["tea"]], unit_vector(3))


def test_a_changed_vector_is_seen_at_once(catalogue: CountingCatalogue, read: ReadSubjectVectors) -> None:
    put(catalogue, in_catalogue("tea", embedding=unit_vector(1)))
    read([viewed("m1", "tea")])

    put(catalogue, in_catalogue("tea", embedding=unit_vector(2), revision=2))

    np.testing.assert_array_equal(read([viewed("m1", "tea")]).matrix[0], unit_vector(2))


def test_an_unknown_product_is_seen_as_soon_as_it_comes(catalogue: CountingCatalogue, read: ReadSubjectVectors) -> None:
    assert read([viewed("m1", "tea")]).row_of(viewed("m1", "tea")) is None

    put(catalogue, in_catalogue("tea"))

    assert read([viewed("m1", "tea")]).row_of(viewed("m1", "tea")) == 0
