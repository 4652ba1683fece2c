"""A fixture a port, parametrised by the names of its adapters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sql.database import Database, sqlite_url
from adapters.sql.schema import SqlSchema
from application.ports.co_purchases import CoPurchases
from application.ports.dead_letters import DeadLetters
from application.ports.embedder import Embedder
from application.ports.event_log import EventLog
from application.ports.message_source import MessageSource
from application.ports.outbox import Outbox
from application.ports.phrase_vectors import PhraseVectors
from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_changes import ProductChanges
from application.ports.projection import InteractionGraph
from application.ports.publisher import Publisher
from application.ports.registry import Registry
from application.ports.system import Clock, Ids, Metrics
from application.ports.user_embedding_store import UserEmbeddingStore
from tests.contract import adapters
from tests.contract.adapters import CountOf, LogSide, SourceSide, Space
from tests.contract.index_sides import IndexSide
from tests.contract.node import Node
from tests.contract.node import node as find_node
from tests.contract.search_sides import SearchSide
from tests.services.mysql import MysqlServer
from tests.services.server import Unavailable
from tests.services.servers import give_up


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, made once and copied for each test."""
    path = tmp_path_factory.mktemp("migrated") / "empty.sqlite"
    database = Database(sqlite_url(path), "DATABASE_URL")
    SqlSchema(database).upgrade()
    database.dispose()
    return path


@pytest.fixture(scope="session")
def mysql_tables(mysql_server: MysqlServer) -> Iterator[str]:
    """The URL of a MySQL database with all tables, which each test empties."""
    mysql_server.start()
    with mysql_server.database() as url:
        database = Database(url, "DATABASE_URL")
        SqlSchema(database).upgrade()
        database.dispose()
        yield url


@pytest.fixture
def space(request: pytest.FixtureRequest, migrated: Path) -> Iterator[Space]:
    space = Space(lambda: request.getfixturevalue("tmp_path"), migrated, request.getfixturevalue)
    yield space
    space.close()


@pytest.fixture(params=adapters.LOGS)
def log_side(request: pytest.FixtureRequest, space: Space) -> LogSide:
    return adapters.LOGS[request.param](space)


@pytest.fixture
def log(log_side: LogSide) -> EventLog:
    return log_side.log


@pytest.fixture
def outbox(log_side: LogSide) -> Outbox:
    return log_side.outbox


@pytest.fixture(params=adapters.DEAD_LETTERS)
def dead_letters(request: pytest.FixtureRequest, space: Space) -> DeadLetters:
    return adapters.DEAD_LETTERS[request.param](space)


@pytest.fixture(params=adapters.STORES)
def store(request: pytest.FixtureRequest, space: Space) -> UserEmbeddingStore:
    return adapters.STORES[request.param](space)


@pytest.fixture(params=adapters.CATALOGUES)
def catalogue(request: pytest.FixtureRequest, space: Space) -> ProductCatalogue:
    return adapters.CATALOGUES[request.param](space)


@pytest.fixture(params=adapters.PRODUCT_CHANGES)
def changes(request: pytest.FixtureRequest, space: Space) -> ProductChanges:
    return adapters.PRODUCT_CHANGES[request.param](space)


@pytest.fixture(params=adapters.PHRASE_VECTORS)
def phrase_vectors(request: pytest.FixtureRequest, space: Space) -> PhraseVectors:
    return adapters.PHRASE_VECTORS[request.param](space)


@pytest.fixture(params=adapters.REGISTRIES)
def registry(request: pytest.FixtureRequest, space: Space) -> Registry:
    return adapters.REGISTRIES[request.param](space)


@pytest.fixture(params=adapters.SOURCES)
def any_source(request: pytest.FixtureRequest, space: Space) -> SourceSide:
    return adapters.SOURCES[request.param](space)


@pytest.fixture(params=adapters.RETRYING_SOURCES)
def retrying_source(request: pytest.FixtureRequest, space: Space) -> SourceSide:
    return adapters.RETRYING_SOURCES[request.param](space)


@pytest.fixture(params=adapters.PUBLISHERS)
def published(request: pytest.FixtureRequest, space: Space) -> tuple[Publisher, MessageSource]:
    return adapters.PUBLISHERS[request.param](space)


@pytest.fixture(params=adapters.EMBEDDERS)
def embedder(request: pytest.FixtureRequest, space: Space) -> Embedder:
    return adapters.EMBEDDERS[request.param](space)


@pytest.fixture(params=adapters.CLOCKS)
def clock(request: pytest.FixtureRequest, space: Space) -> Clock:
    return adapters.CLOCKS[request.param](space)


@pytest.fixture(params=adapters.IDS)
def ids(request: pytest.FixtureRequest, space: Space) -> Ids:
    return adapters.IDS[request.param](space)


@pytest.fixture(params=adapters.METRICS)
def metrics(request: pytest.FixtureRequest, space: Space) -> tuple[Metrics, CountOf]:
    return adapters.METRICS[request.param](space)


@pytest.fixture(scope="session")
def node() -> Node:
    """Programs of others, for Node."""
    try:
        return find_node()
    except Unavailable as error:
        give_up(str(error))


@pytest.fixture(params=adapters.CO_PURCHASES)
def bought(request: pytest.FixtureRequest, space: Space) -> tuple[InteractionGraph, CoPurchases]:
    """An empty graph, and what reads it."""
    return adapters.CO_PURCHASES[request.param](space)


@pytest.fixture(params=adapters.GRAPHS)
def graphs(request: pytest.FixtureRequest, space: Space) -> tuple[InteractionGraph, InteractionGraph]:
    return adapters.GRAPHS[request.param](space)


@pytest.fixture
def graph(graphs: tuple[InteractionGraph, InteractionGraph]) -> InteractionGraph:
    return graphs[0]


@pytest.fixture(params=adapters.INDEXES)
def index_side(request: pytest.FixtureRequest, space: Space) -> IndexSide:
    return adapters.INDEXES[request.param](space)


@pytest.fixture(params=adapters.SEARCHES)
def search_side(request: pytest.FixtureRequest, space: Space) -> SearchSide:
    return adapters.SEARCHES[request.param](space)
