"""Every adapter by port and name: the one place to add a line to when there is a new one."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from shutil import copyfile
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from prometheus_client import CollectorRegistry

from adapters.memory.broker import MemoryBroker
from adapters.memory.co_purchases import MemoryCoPurchases
from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.embedder import HashingEmbedder
from adapters.memory.event_log import MemoryDatabase, MemoryEventLog, MemoryOutbox
from adapters.memory.graph import MemoryGraph
from adapters.memory.product_catalogue import MemoryPhraseVectors, MemoryProductCatalogue, MemoryProductChanges
from adapters.memory.registry import MemoryRegistry
from adapters.memory.system import CountingIds, CountingMetrics, ManualClock, ManualStop
from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.product_catalogue import MongoProductCatalogue
from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
from adapters.neo4j.co_purchases import Neo4jCoPurchases
from adapters.neo4j.database import Neo4jDatabase
from adapters.neo4j.graph import Neo4jGraph
from adapters.neo4j.schema import Neo4jSchema
from adapters.openai.embedder import OpenAIEmbedder
from adapters.outbox.message_source import OutboxMessageSource
from adapters.prometheus.metrics import PrometheusMetrics
from adapters.redis.phrase_vectors import RedisPhraseVectors
from adapters.sql.database import Database, sqlite_url
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.phrase_vectors import SqlPhraseVectors
from adapters.sql.product_catalogue import SqlProductCatalogue, SqlProductChanges
from adapters.sql.registry import SqlRegistry
from adapters.sql.tables import metadata
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from adapters.system.system import RandomIds, SystemClock
from adapters.wordllama.embedder import WordLlamaEmbedder
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
from application.retry_policy import RetryPolicy
from domain.interaction import Event, LoggedEvent
from tests.builders import DIMENSIONS, NOW
from tests.contract import index_sides, kombu_sides, search_sides
from tests.contract.index_sides import IndexSide, MemorySide
from tests.contract.search_sides import SearchSide
from tests.contract.source_side import SourceSide

CountOf = Callable[[str, Mapping[str, str]], int]
Spoil = Callable[[str, Mapping[str, Any]], None]
"""Gives the stored state of a user these values, whatever they are; `missing` as JSON."""

RETRY = RetryPolicy.doubling(max_retries=3, delay_ms=1_000)


@frozen(kw_only=True)
class LogSide:
    """A log and the outbox beside it; `elsewhere` is the same log as another process has it open."""

    log: EventLog
    outbox: Outbox
    elsewhere: EventLog


class Space:
    """What the adapters of one test run on: a folder, and servers that are opened when first asked for."""

    def __init__(self, folder: Callable[[], Path], migrated: Path, fixture: Callable[[str], Any]) -> None:
        self._folder = folder
        self._migrated = migrated
        self._fixture = fixture
        self._opened: list[Database | MongoDatabase | Neo4jDatabase] = []
        self._closing: list[Callable[[], None]] = []

    @cached_property
    def sqlite(self) -> Database:
        """A SQLite file with all tables, and nothing in them."""
        copyfile(self._migrated, self._folder() / "penchant.sqlite")
        return self.sqlite_again()

    def sqlite_again(self) -> Database:
        """The same file as another process opens it."""
        database = Database(sqlite_url(self._folder() / "penchant.sqlite"), "DATABASE_URL")
        sa.event.listen(database.engine, "connect", _limit_variables)
        self._opened.append(database)
        return database

    @cached_property
    def mysql(self) -> Database:
        """A MySQL database with all tables, and nothing in them."""
        database = self.mysql_again()
        with database.writing() as connection:
            for table in metadata.sorted_tables:
                connection.execute(sa.delete(table))
        return database

    def mysql_again(self) -> Database:
        """The same database as another process opens it."""
        database = Database(self._fixture("mysql_tables"), "DATABASE_URL")
        self._opened.append(database)
        return database

    @cached_property
    def memory(self) -> MemoryDatabase:
        """What log and outbox in memory share."""
        return MemoryDatabase()

    @cached_property
    def mongodb(self) -> MongoDatabase:
        """An empty MongoDB database."""
        space = self._fixture("mongodb_space")
        database = MongoDatabase(space.url, space.database)
        self._opened.append(database)
        return database

    def in_redis(self, inner: PhraseVectors) -> RedisPhraseVectors:
        """An empty Redis in front of `inner`."""
        vectors = RedisPhraseVectors(
            inner,
            url=self._fixture("redis_url"),
            namespace="contract",
            dimensions=DIMENSIONS,
            clock=SystemClock(),
            metrics=CountingMetrics(),
        )
        self._closing.append(vectors.close)
        return vectors

    @cached_property
    def neo4j(self) -> Neo4jDatabase:
        """An empty Neo4j database with its constraints."""
        database = self.neo4j_again()
        Neo4jSchema(database).install()
        return database

    def neo4j_again(self) -> Neo4jDatabase:
        """The same database as another process opens it."""
        database = Neo4jDatabase(self._fixture("neo4j_url"))
        self._opened.append(database)
        return database

    def openai(self) -> OpenAIEmbedder:
        """The real client, on the stub."""
        stub = self._fixture("openai_stub")
        embedder = OpenAIEmbedder(api_key=stub.api_key, base_url=stub.url, clock=SystemClock())
        self._closing.append(embedder.close)
        return embedder

    @property
    def folder(self) -> Path:
        """An empty folder."""
        return self._folder() / "search"

    def url(self, fixture: str) -> str:
        """The address of an empty space on a real server."""
        return str(self._fixture(fixture))

    def closing(self, close: Callable[[], None]) -> None:
        """Have something closed at the end."""
        self._closing.append(close)

    def close(self) -> None:
        """Close what was opened."""
        for database in self._opened:
            database.dispose()
        for close in self._closing:
            close()


def _limit_variables(connection: sqlite3.Connection, _: object) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # SQLite's own; some builds take more


def _memory_log(space: Space) -> LogSide:
    database = space.memory
    return LogSide(log=MemoryEventLog(database), outbox=MemoryOutbox(database), elsewhere=MemoryEventLog(database))


def _sqlite_log(space: Space) -> LogSide:
    log, outbox = SqlEventLog(space.sqlite), SqlOutbox(space.sqlite)
    return LogSide(log=log, outbox=outbox, elsewhere=SqlEventLog(space.sqlite_again()))


def _mysql_log(space: Space) -> LogSide:
    log, outbox = SqlEventLog(space.mysql), SqlOutbox(space.mysql)
    return LogSide(log=log, outbox=outbox, elsewhere=SqlEventLog(space.mysql_again()))


def append(log: EventLog, events: Sequence[Event], recorded_at: datetime = NOW) -> Sequence[LoggedEvent]:
    """Put events into a log, in a transaction of their own."""
    with log.transaction() as transaction:
        return transaction.append(events, recorded_at)


def _outbox_source(log_side: LogSide, dead_letters: DeadLetters) -> SourceSide:
    clock = ManualClock(NOW)
    return SourceSide(
        source=OutboxMessageSource(log_side.outbox, dead_letters, clock, RETRY, ManualStop(clock)),
        send=lambda events: append(log_side.log, events),
        wait=clock.advance,
        lose_consumer=lambda: None,
        dead=lambda: {letter.message_id: letter.error_text for letter in dead_letters.list(100)},
    )


def _broker_source(space: Space) -> SourceSide:
    broker, log = MemoryBroker(), _memory_log(space).log

    def send(events: Sequence[Event]) -> Sequence[LoggedEvent]:
        logged = append(log, events)
        broker.publish(logged)
        return logged

    return SourceSide(
        source=broker,
        send=send,
        wait=lambda _: None,
        lose_consumer=broker.redeliver,
        dead=lambda: {outcome.delivery.logged.event.message_id: str(outcome.error) for outcome in broker.dead},
    )


def _spoilable_sqlite(space: Space) -> tuple[UserEmbeddingStore, Spoil]:
    def spoil(user_id: str, values: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{column} = :{column}" for column in values)
        statement = f"UPDATE user_embeddings SET {assignments} WHERE user_id = :of_user"  # noqa: S608
        with space.sqlite.writing() as connection:
            connection.execute(sa.text(statement), {**values, "of_user": user_id})

    return SqlUserEmbeddingStore(space.sqlite, DIMENSIONS), spoil


def _spoilable_mongodb(space: Space) -> tuple[UserEmbeddingStore, Spoil]:
    def spoil(user_id: str, values: Mapping[str, Any]) -> None:
        changes = {name: _from_json(value) if name == "missing" else value for name, value in values.items()}
        space.mongodb.collection("user_embeddings").update_one({"user_id": user_id}, {"$set": changes})

    return MongoUserEmbeddingStore(space.mongodb, DIMENSIONS), spoil


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


@cache
def _wordllama() -> WordLlamaEmbedder:
    return WordLlamaEmbedder()  # one for all tests: it holds nothing but the model, and that takes time to load


def _memory_metrics(_: Space) -> tuple[Metrics, CountOf]:
    metrics = CountingMetrics()
    return metrics, lambda name, labels: metrics.counters[name + "".join(f'{{{k}="{v}"}}' for k, v in labels.items())]


def _prometheus_metrics(_: Space) -> tuple[Metrics, CountOf]:
    metrics = PrometheusMetrics()
    registry = CollectorRegistry()
    registry.register(metrics)
    return metrics, lambda name, labels: registry.get_sample_value(name, dict(labels)) or 0


LOGS: Mapping[str, Callable[[Space], LogSide]] = {
    "memory": _memory_log,
    "sqlite": _sqlite_log,
    "mysql": _mysql_log,
}
DEAD_LETTERS: Mapping[str, Callable[[Space], DeadLetters]] = {
    "memory": lambda _: MemoryDeadLetters(),
    "sqlite": lambda space: SqlDeadLetters(space.sqlite),
    "mysql": lambda space: SqlDeadLetters(space.mysql),
}
STORES: Mapping[str, Callable[[Space], UserEmbeddingStore]] = {
    "memory": lambda _: MemoryUserEmbeddingStore(),
    "sqlite": lambda space: SqlUserEmbeddingStore(space.sqlite, DIMENSIONS),
    "mysql": lambda space: SqlUserEmbeddingStore(space.mysql, DIMENSIONS),
    "mongodb": lambda space: MongoUserEmbeddingStore(space.mongodb, DIMENSIONS),
}
SPOILABLE_STORES: Mapping[str, Callable[[Space], tuple[UserEmbeddingStore, Spoil]]] = {
    "sqlite": _spoilable_sqlite,
    "mongodb": _spoilable_mongodb,
}
"""Stores that other programs may write to."""
CATALOGUES: Mapping[str, Callable[[Space], ProductCatalogue]] = {
    "memory": lambda _: MemoryProductCatalogue(DIMENSIONS, "model-1"),
    "sqlite": lambda space: SqlProductCatalogue(space.sqlite, DIMENSIONS, "model-1"),
    "mysql": lambda space: SqlProductCatalogue(space.mysql, DIMENSIONS, "model-1"),
    "mongodb": lambda space: MongoProductCatalogue(space.mongodb, DIMENSIONS, "model-1"),
}


def _memory_co_purchases(_: Space) -> tuple[InteractionGraph, CoPurchases]:
    graph = MemoryGraph()
    return graph, MemoryCoPurchases(graph)


CO_PURCHASES: Mapping[str, Callable[[Space], tuple[InteractionGraph, CoPurchases]]] = {
    "memory": _memory_co_purchases,
    "neo4j": lambda space: (Neo4jGraph(space.neo4j), Neo4jCoPurchases(space.neo4j)),
}

GRAPHS: Mapping[str, Callable[[Space], tuple[InteractionGraph, InteractionGraph]]] = {
    "memory": lambda _: (graph := MemoryGraph(), graph),
    "neo4j": lambda space: (Neo4jGraph(space.neo4j, with_phrases=True), Neo4jGraph(space.neo4j_again())),
}
"""Graphs, each with itself as another process has it open."""
INDEXES: Mapping[str, Callable[[Space], IndexSide]] = {
    "memory": lambda _: MemorySide(),
    "local": lambda space: index_sides.in_local_mode(space.closing),
    "qdrant": lambda space: index_sides.on_server(space.url("qdrant_url"), space.closing),
}
SEARCHES: Mapping[str, Callable[[Space], SearchSide]] = {
    "memory": lambda _: search_sides.in_memory(),
    "exact": lambda space: search_sides.embedded(space.folder, exact_up_to=1_000),
    "approximate": lambda space: search_sides.embedded(space.folder, exact_up_to=0),
    "local": lambda space: search_sides.indexed(index_sides.in_local_mode(space.closing)),
    "qdrant": lambda space: search_sides.indexed(index_sides.on_server(space.url("qdrant_url"), space.closing)),
}
PRODUCT_CHANGES: Mapping[str, Callable[[Space], ProductChanges]] = {
    "memory": lambda _: MemoryProductChanges(),
    "sqlite": lambda space: SqlProductChanges(space.sqlite),
    "mysql": lambda space: SqlProductChanges(space.mysql),
}
PHRASE_VECTORS: Mapping[str, Callable[[Space], PhraseVectors]] = {
    "memory": lambda _: MemoryPhraseVectors(DIMENSIONS),
    "sqlite": lambda space: SqlPhraseVectors(space.sqlite, DIMENSIONS),
    "mysql": lambda space: SqlPhraseVectors(space.mysql, DIMENSIONS),
    "redis-memory": lambda space: space.in_redis(MemoryPhraseVectors(DIMENSIONS)),
    "redis-sqlite": lambda space: space.in_redis(SqlPhraseVectors(space.sqlite, DIMENSIONS)),
}
REGISTRIES: Mapping[str, Callable[[Space], Registry]] = {
    "memory": lambda _: MemoryRegistry(),
    "sqlite": lambda space: SqlRegistry(space.sqlite),
    "mysql": lambda space: SqlRegistry(space.mysql),
}
RETRYING_SOURCES: Mapping[str, Callable[[Space], SourceSide]] = {
    "outbox-memory": lambda space: _outbox_source(_memory_log(space), MemoryDeadLetters()),
    "outbox-sqlite": lambda space: _outbox_source(_sqlite_log(space), SqlDeadLetters(space.sqlite)),
    "outbox-mysql": lambda space: _outbox_source(_mysql_log(space), SqlDeadLetters(space.mysql)),
    "kombu-memory": lambda space: kombu_sides.in_memory(RETRY, space.closing),
}
"""Message sources that wait before a retry and give up after RETRY.max_retries of them."""
SOURCES: Mapping[str, Callable[[Space], SourceSide]] = {
    **RETRYING_SOURCES,
    "memory-broker": _broker_source,
    "rabbitmq": lambda space: kombu_sides.on_server_side(space.url("rabbitmq_url"), RETRY, space.closing),
    "kombu-redis": lambda space: kombu_sides.on_server_side(space.url("redis_url"), RETRY, space.closing),
}
PUBLISHERS: Mapping[str, Callable[[Space], tuple[Publisher, MessageSource]]] = {
    "memory-broker": lambda _: (broker := MemoryBroker(), broker),
    "kombu-memory": lambda space: kombu_sides.published("memory://", RETRY, space.closing),
    "rabbitmq": lambda space: kombu_sides.published(space.url("rabbitmq_url"), RETRY, space.closing),
    "kombu-redis": lambda space: kombu_sides.published(space.url("redis_url"), RETRY, space.closing),
}
"""Publishers, each with a source of what they have published."""
EMBEDDERS: Mapping[str, Callable[[Space], Embedder]] = {
    "hashing": lambda _: HashingEmbedder(DIMENSIONS),
    "wordllama": lambda _: _wordllama(),
    "openai": lambda space: space.openai(),
}
CLOCKS: Mapping[str, Callable[[Space], Clock]] = {
    "manual": lambda _: ManualClock(NOW),
    "system": lambda _: SystemClock(),
}
IDS: Mapping[str, Callable[[Space], Ids]] = {
    "counting": lambda _: CountingIds(),
    "random": lambda _: RandomIds(),
}
METRICS: Mapping[str, Callable[[Space], tuple[Metrics, CountOf]]] = {
    "counting": _memory_metrics,
    "prometheus": _prometheus_metrics,
}
"""Metrics, each with a look at what was counted under a name with at most one label."""
