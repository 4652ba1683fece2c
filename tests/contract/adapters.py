"""Every adapter by port and name: the one place to add a line to when there is a new one."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from shutil import copyfile

import sqlalchemy as sa
from attrs import frozen

from adapters.memory.broker import MemoryBroker
from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.embedder import HashingEmbedder
from adapters.memory.event_log import MemoryDatabase, MemoryEventLog, MemoryOutbox
from adapters.memory.product_catalogue import MemoryPhraseVectors, MemoryProductCatalogue, MemoryProductChanges
from adapters.memory.registry import MemoryRegistry
from adapters.memory.system import CountingIds, CountingMetrics, ManualClock
from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from adapters.outbox.message_source import OutboxMessageSource, RetryPolicy
from adapters.sql.database import Database, sqlite_url
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.phrase_vectors import SqlPhraseVectors
from adapters.sql.product_catalogue import SqlProductCatalogue, SqlProductChanges
from adapters.sql.registry import SqlRegistry
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from adapters.system.system import RandomIds, SystemClock
from adapters.wordllama.embedder import WordLlamaEmbedder
from application.ports.dead_letters import DeadLetters
from application.ports.embedder import Embedder
from application.ports.event_log import EventLog
from application.ports.message_source import MessageSource
from application.ports.outbox import Outbox
from application.ports.phrase_vectors import PhraseVectors
from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_changes import ProductChanges
from application.ports.publisher import Publisher
from application.ports.registry import Registry
from application.ports.system import Clock, Ids, Metrics
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.interaction import Event, LoggedEvent
from tests.builders import DIMENSIONS, NOW

CountOf = Callable[[str, Mapping[str, str]], int]

RETRY = RetryPolicy(max_retries=3, delay_ms=1_000)


@frozen(kw_only=True)
class LogSide:
    """A log and the outbox beside it; `elsewhere` is the same log as another process has it open."""

    log: EventLog
    outbox: Outbox
    elsewhere: EventLog


@frozen(kw_only=True)
class SourceSide:
    """A message source and what a test does around it."""

    source: MessageSource
    send: Callable[[Sequence[Event]], Sequence[LoggedEvent]]
    """Log these events and have them delivered."""
    wait: Callable[[timedelta], None]
    """Let that much time pass."""
    lose_consumer: Callable[[], None]
    """End the consumer before it has settled what it received."""
    dead: Callable[[], Mapping[str, str]]
    """The dead by message id, each with the text of its error."""


class Space:
    """What the adapters of one test run on: a folder, and servers that are opened when first asked for."""

    def __init__(self, folder: Callable[[], Path], migrated: Path) -> None:
        self._folder = folder
        self._migrated = migrated
        self._opened: list[Database] = []

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
    def memory(self) -> MemoryDatabase:
        """What log and outbox in memory share."""
        return MemoryDatabase()

    def close(self) -> None:
        """Close what was opened."""
        for database in self._opened:
            database.dispose()


def _limit_variables(connection: sqlite3.Connection, _: object) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # SQLite's own; some builds take more


def _memory_log(space: Space) -> LogSide:
    database = space.memory
    return LogSide(log=MemoryEventLog(database), outbox=MemoryOutbox(database), elsewhere=MemoryEventLog(database))


def _sqlite_log(space: Space) -> LogSide:
    log, outbox = SqlEventLog(space.sqlite), SqlOutbox(space.sqlite)
    return LogSide(log=log, outbox=outbox, elsewhere=SqlEventLog(space.sqlite_again()))


def append(log: EventLog, events: Sequence[Event], recorded_at: datetime = NOW) -> Sequence[LoggedEvent]:
    """Put events into a log, in a transaction of their own."""
    with log.transaction() as transaction:
        return transaction.append(events, recorded_at)


def _outbox_source(log_side: LogSide, dead_letters: DeadLetters) -> SourceSide:
    clock = ManualClock(NOW)
    return SourceSide(
        source=OutboxMessageSource(log_side.outbox, dead_letters, clock, RETRY),
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


@cache
def _wordllama() -> WordLlamaEmbedder:
    return WordLlamaEmbedder()  # one for all tests: it holds nothing but the model, and that takes time to load


def _memory_metrics(_: Space) -> tuple[Metrics, CountOf]:
    metrics = CountingMetrics()
    return metrics, lambda name, labels: metrics.counters[name + "".join(f'{{{k}="{v}"}}' for k, v in labels.items())]


LOGS: Mapping[str, Callable[[Space], LogSide]] = {
    "memory": _memory_log,
    "sqlite": _sqlite_log,
}
DEAD_LETTERS: Mapping[str, Callable[[Space], DeadLetters]] = {
    "memory": lambda _: MemoryDeadLetters(),
    "sqlite": lambda space: SqlDeadLetters(space.sqlite),
}
STORES: Mapping[str, Callable[[Space], UserEmbeddingStore]] = {
    "memory": lambda _: MemoryUserEmbeddingStore(),
    "sqlite": lambda space: SqlUserEmbeddingStore(space.sqlite, DIMENSIONS),
}
CATALOGUES: Mapping[str, Callable[[Space], ProductCatalogue]] = {
    "memory": lambda _: MemoryProductCatalogue(DIMENSIONS, "model-1"),
    "sqlite": lambda space: SqlProductCatalogue(space.sqlite, DIMENSIONS, "model-1"),
}
PRODUCT_CHANGES: Mapping[str, Callable[[Space], ProductChanges]] = {
    "memory": lambda _: MemoryProductChanges(),
    "sqlite": lambda space: SqlProductChanges(space.sqlite),
}
PHRASE_VECTORS: Mapping[str, Callable[[Space], PhraseVectors]] = {
    "memory": lambda _: MemoryPhraseVectors(DIMENSIONS),
    "sqlite": lambda space: SqlPhraseVectors(space.sqlite, DIMENSIONS),
}
REGISTRIES: Mapping[str, Callable[[Space], Registry]] = {
    "memory": lambda _: MemoryRegistry(),
    "sqlite": lambda space: SqlRegistry(space.sqlite),
}
RETRYING_SOURCES: Mapping[str, Callable[[Space], SourceSide]] = {
    "outbox-memory": lambda space: _outbox_source(_memory_log(space), MemoryDeadLetters()),
    "outbox-sqlite": lambda space: _outbox_source(_sqlite_log(space), SqlDeadLetters(space.sqlite)),
}
"""Message sources that wait before a retry and give up after RETRY.max_retries of them."""
SOURCES: Mapping[str, Callable[[Space], SourceSide]] = {**RETRYING_SOURCES, "memory-broker": _broker_source}
PUBLISHERS: Mapping[str, Callable[[Space], tuple[Publisher, MessageSource]]] = {
    "memory-broker": lambda _: (broker := MemoryBroker(), broker),
}
"""Publishers, each with a source of what they have published."""
EMBEDDERS: Mapping[str, Callable[[Space], Embedder]] = {
    "hashing": lambda _: HashingEmbedder(DIMENSIONS),
    "wordllama": lambda _: _wordllama(),
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
}
"""Metrics, each with a look at what was counted under a name with at most one label."""
