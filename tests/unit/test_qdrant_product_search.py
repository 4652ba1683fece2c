"""Product search in Qdrant, where what is live is not what it looks for."""

from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient, models

from adapters.qdrant.collection_plans import PRODUCTS, collection_name
from adapters.qdrant.product_search import QdrantProductSearch
from adapters.qdrant.server import QdrantServer
from domain.errors import NotSetUpError, TransientError
from tests.builders import DIMENSIONS, unit_vector, unit_vectors
from tests.contract.index_sides import QdrantSide


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    server = QdrantServer("http://localhost", connect=lambda _: QdrantClient(":memory:"))
    yield server
    server.dispose()


@pytest.fixture
def search(server: QdrantServer) -> QdrantProductSearch:
    return QdrantProductSearch(server, "model-1", DIMENSIONS)


def test_what_is_of_another_model_is_not_searched(server: QdrantServer, search: QdrantProductSearch) -> None:
    QdrantSide(server).built("model-2")
    QdrantSide(server).built("model-1")

    with pytest.raises(TransientError, match="another embedding model"):
        search.nearest(unit_vectors(1), 10)


def test_where_nothing_is_set_up_the_remedy_is_named(search: QdrantProductSearch) -> None:
    with pytest.raises(NotSetUpError, match="penchant setup"):
        search.nearest(unit_vectors(1), 10)


def test_points_without_an_id_of_ours_are_left_out(server: QdrantServer, search: QdrantProductSearch) -> None:
    QdrantSide(server).built("model-1")
    strays = [models.PointStruct(id=7, vector=unit_vector().tolist(), payload={"product_id": 7})]
    with server.translated() as client:
        client.upsert(collection_name(PRODUCTS.alias, "model-1", DIMENSIONS), strays)

    assert search.nearest(unit_vectors(1), 10) == [[]]
