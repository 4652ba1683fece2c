"""Qdrant itself: what it is set up with, what `doctor` finds there, and what it is like without it."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from qdrant_client import models

from adapters.qdrant.collection_plans import HNSW, PRODUCTS, USERS, collection_name
from adapters.qdrant.index import QdrantIndex
from adapters.qdrant.schema import QdrantSchema
from adapters.qdrant.server import TIMEOUT_SECONDS, QdrantServer
from application.ports.examinable import Finding, Health
from application.ports.vector_index import Point
from domain.errors import ConfigurationError, NotSetUpError, PermanentError, UnavailableError
from tests.builders import DIMENSIONS, unit_vector, unit_vectors
from tests.services import NotOurs
from tests.services import QdrantServer as ServerUnderTest
from tests.services.ports import LOOPBACK, free_port

MODEL = "model-1"
NAME = collection_name(USERS.alias, MODEL, DIMENSIONS)
PRODUCTS_NAME = collection_name(PRODUCTS.alias, MODEL, DIMENSIONS)
OTHER_NAME = collection_name(USERS.alias, "model-2", DIMENSIONS)
SHORT_SECONDS = 1
"""For an answer that does not come."""


class Opened(Protocol):
    def __call__(self, url: str, timeout_seconds: int = TIMEOUT_SECONDS) -> QdrantServer: ...


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Servers that are closed at the end."""
    servers: list[QdrantServer] = []

    def open_one(url: str, timeout_seconds: int = TIMEOUT_SECONDS) -> QdrantServer:
        servers.append(QdrantServer(url, timeout_seconds=timeout_seconds))
        return servers[-1]

    yield open_one
    for server in servers:
        server.dispose()


@pytest.fixture
def server(qdrant_url: str) -> Iterator[QdrantServer]:
    server = QdrantServer(qdrant_url)
    yield server
    server.dispose()


@pytest.fixture
def schema(server: QdrantServer) -> QdrantSchema:
    return QdrantSchema(server, MODEL, DIMENSIONS)


def _index(server: QdrantServer, dimensions: int = DIMENSIONS) -> QdrantIndex:
    return QdrantIndex(server, USERS, MODEL, dimensions)


def _point(user_id: str = "ann") -> Point:
    return Point(id=user_id, vector=unit_vector(), mark="w1")


def _by_subject(findings: Sequence[Finding]) -> Mapping[str, Finding]:
    assert {finding.part for finding in findings} == {"Qdrant"}
    return {finding.subject: finding for finding in findings}


def _make(server: QdrantServer, name: str, size: int = DIMENSIONS, distance: str = "Dot") -> None:
    with server.translated() as client:
        vectors = models.VectorParams(size=size, distance=models.Distance(distance))
        client.create_collection(name, vectors_config=vectors)


def _alias(server: QdrantServer, alias: str, collection: str) -> None:
    create = models.CreateAlias(alias_name=alias, collection_name=collection)
    with server.translated() as client:
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])


def _aliases(server: QdrantServer) -> Mapping[str, str]:
    with server.translated() as client:
        return {found.alias_name: found.collection_name for found in client.get_aliases().aliases}


def _collections(server: QdrantServer) -> set[str]:
    with server.translated() as client:
        return {found.name for found in client.get_collections().collections}


def test_setup_makes_collections_indexes_and_aliases_and_nothing_the_second_time(
    server: QdrantServer, schema: QdrantSchema
) -> None:
    made = schema.install()

    assert len(made) == 2 + len(USERS.indexes) + len(PRODUCTS.indexes) + 2
    assert schema.install() == []
    assert _aliases(server) == {"user_embeddings": NAME, "product_embeddings": PRODUCTS_NAME}
    with server.translated() as client:
        info = client.get_collection(NAME)
    assert {key: found.data_type for key, found in info.payload_schema.items()} == USERS.indexes
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (HNSW.m, HNSW.ef_construct)
    schema.require()


def test_several_set_up_at_once(qdrant_url: str, server: QdrantServer, opened: Opened) -> None:
    schemas = [QdrantSchema(opened(qdrant_url), MODEL, DIMENSIONS) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda schema: schema.install(), schemas))

    assert sum(f"Made the collection {NAME}." in lines for lines in made) == 1
    assert _collections(server) == {NAME, PRODUCTS_NAME}
    assert _aliases(server) == {"user_embeddings": NAME, "product_embeddings": PRODUCTS_NAME}


def test_setup_for_another_model_leaves_the_aliases_where_they_are(server: QdrantServer, schema: QdrantSchema) -> None:
    schema.install()

    QdrantSchema(server, "model-2", DIMENSIONS).install()

    assert _aliases(server) == {"user_embeddings": NAME, "product_embeddings": PRODUCTS_NAME}


@pytest.mark.parametrize(("size", "distance"), [(DIMENSIONS + 1, "Dot"), (DIMENSIONS, "Euclid")])
def test_a_collection_of_other_vectors_is_refused(
    server: QdrantServer, schema: QdrantSchema, size: int, distance: str
) -> None:
    _make(server, NAME, size, distance)

    with pytest.raises(ConfigurationError, match=f"vectors of {size} dimensions by {distance}, .* Delete it"):
        schema.install()


def test_a_collection_in_the_place_of_an_alias_is_refused(server: QdrantServer, schema: QdrantSchema) -> None:
    _make(server, USERS.alias)

    with pytest.raises(ConfigurationError, match="a collection named user_embeddings, .* delete it"):
        schema.install()

    assert _by_subject(schema.examine())[USERS.alias].health is Health.FAILED


def test_without_setup_everything_asks_for_it(server: QdrantServer, schema: QdrantSchema) -> None:
    index = _index(server)
    calls: list[Callable[[], object]] = [
        schema.require,
        schema.go_live,
        lambda: index.marks(["ann"]),
        lambda: index.read(["ann"]),
        lambda: index.put([_point()]),
        lambda: index.remove(["ann"]),
        lambda: index.page(None, 10),
    ]

    for call in calls:
        with pytest.raises(NotSetUpError, match="Run `penchant setup`"):
            call()
    assert not schema.is_live()


def test_who_cannot_go_live_leaves_the_aliases_where_they_are(server: QdrantServer, schema: QdrantSchema) -> None:
    schema.install()

    with pytest.raises(NotSetUpError):
        QdrantSchema(server, "model-2", DIMENSIONS).go_live()

    assert schema.is_live()
    assert _collections(server) == {NAME, PRODUCTS_NAME}


def test_collections_of_others_are_not_removed(server: QdrantServer, schema: QdrantSchema) -> None:
    _make(server, "mine")
    _alias(server, USERS.alias, "mine")
    schema.install()
    assert not schema.is_live()

    schema.go_live()

    assert _aliases(server)[USERS.alias] == NAME
    assert "mine" in _collections(server)


def test_a_vector_of_another_length_is_permanent_and_not_told(server: QdrantServer, schema: QdrantSchema) -> None:
    schema.install()
    text, longer = "zebrafinch", unit_vectors(1, DIMENSIONS + 1)[0]
    point = Point(id="ann", vector=longer, mark="w1", payload={"text": text})

    with pytest.raises(PermanentError, match="vectors of 5 dimensions where there are 4") as caught:
        _index(server).put([point])

    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (text, *map(str, longer.tolist())))


def test_a_wrong_key_is_told_by_its_setting_and_not_repeated(qdrant_url: str, opened: Opened) -> None:
    parts = urlsplit(qdrant_url)
    if not parts.password:
        pytest.skip("this server of the environment wants no key")
    address = f"{parts.hostname}:{parts.port}"

    for url in (f"http://:wrong-key@{address}", f"http://{address}"):
        server = opened(url)
        with pytest.raises(
            ConfigurationError, match=f"{address} .QDRANT_URL. .*the API key is missing or wrong"
        ) as caught:
            _index(server).marks(["ann"])
        [finding] = QdrantSchema(server, MODEL, DIMENSIONS).examine()
        assert (finding.subject, finding.health) == ("connection", Health.FAILED)
        assert "wrong-key" not in f"{caught.value} {finding.text}"


def test_where_nobody_listens_it_is_unavailable(opened: Opened) -> None:
    server = opened(f"http://:secret@{LOOPBACK}:{free_port()}")

    with pytest.raises(UnavailableError, match="cannot be reached: .*QDRANT_URL") as caught:
        _index(server).put([_point()])

    [finding] = QdrantSchema(server, MODEL, DIMENSIONS).examine()
    assert (finding.subject, finding.health) == ("connection", Health.FAILED)
    assert "secret" not in f"{caught.value} {finding.text}"


def test_a_frozen_server_is_unavailable_and_goes_on_when_it_is_back(
    qdrant_url: str, qdrant_server: ServerUnderTest, server: QdrantServer, schema: QdrantSchema, opened: Opened
) -> None:
    schema.install()
    impatient = _index(opened(qdrant_url, SHORT_SECONDS))
    try:
        qdrant_server.pause()
    except NotOurs as error:
        pytest.skip(str(error))

    with pytest.raises(UnavailableError, match="cannot be reached"):
        impatient.put([_point()])

    qdrant_server.resume()
    qdrant_server.wait_until_ready()
    _index(server).put([_point("ben")])
    assert _index(server).marks(["ben"]) == {"ben": "w1"}


def test_doctor_finds_all_well_after_setup(server: QdrantServer, schema: QdrantSchema) -> None:
    schema.install()
    _index(server).put([_point("ann"), _point("ben")])

    found = _by_subject(schema.examine())

    assert found.keys() == {"connection", "latency", NAME, PRODUCTS_NAME, USERS.alias, PRODUCTS.alias}
    assert {one.health for subject, one in found.items() if subject != "latency"} == {Health.OK}
    assert "it is Qdrant 1." in found["connection"].text
    assert found[NAME].text == "2 points, vectors of 4 dimensions by Dot; it is ready."
    assert found[USERS.alias].text == f"Searches find {NAME}."


def test_doctor_finds_what_is_missing(schema: QdrantSchema) -> None:
    found = _by_subject(schema.examine())

    for subject in (NAME, PRODUCTS_NAME, USERS.alias, PRODUCTS.alias):
        assert (found[subject].health, found[subject].remedy) == (Health.FAILED, "Run `penchant setup`.")


def test_doctor_finds_that_an_index_is_missing(server: QdrantServer, schema: QdrantSchema) -> None:
    _make(server, NAME)

    finding = _by_subject(schema.examine())[NAME]

    assert (finding.health, finding.remedy) == (Health.WARNING, "Run `penchant setup`.")
    assert "as_of" in finding.text


def test_doctor_finds_collections_of_other_vectors(server: QdrantServer, schema: QdrantSchema) -> None:
    _make(server, NAME, DIMENSIONS + 1)

    finding = _by_subject(schema.examine())[NAME]

    assert finding.health is Health.FAILED
    assert "vectors of 5 dimensions by Dot, not for 4" in finding.text


def test_doctor_finds_that_another_model_is_searched(server: QdrantServer, schema: QdrantSchema) -> None:
    QdrantSchema(server, "model-2", DIMENSIONS).install()
    schema.install()

    finding = _by_subject(schema.examine())[USERS.alias]

    assert finding.health is Health.WARNING
    assert OTHER_NAME in finding.text
    assert "penchant catch-up --queue qdrant" in finding.remedy


def test_doctor_finds_what_a_change_of_models_has_left(server: QdrantServer, schema: QdrantSchema) -> None:
    schema.install()
    _make(server, OTHER_NAME)

    finding = _by_subject(schema.examine())[OTHER_NAME]

    assert (finding.health, finding.text) == (Health.WARNING, "It is of another model, and not searched.")
