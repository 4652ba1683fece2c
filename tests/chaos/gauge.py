"""How much there is to do, looked at from outside many times a second."""

import time
from contextlib import closing, suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import pymysql
import sqlalchemy as sa
from amqp.exceptions import AMQPError
from attrs import define, evolve, field, frozen

from tests.chaos.broker_counters import BrokerCounters
from tests.chaos.house import House
from tests.services.json_http import HttpError

LOOK_SECONDS = 0.03
BROKER_LOOK_SECONDS = 0.25
AT_MOST = 5_000
"""Rows of the outbox that are counted."""

QUEUE = "user_embedding_updates"


@frozen(kw_only=True)
class Depth:
    """What waits; None where the server does not answer.

    Parameters
    ----------
    outbox : rows that no relay has moved yet; as of now.
    ready : messages of the work queue that no worker has in hand; as of now.
    queued : messages of all queues, those in hand and the dead too; up to two seconds old.
    """

    outbox: int | None = None
    ready: int | None = None
    queued: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything that was recorded has come through."""
        return self.outbox == self.ready == self.queued == 0

    @property
    def has_work(self) -> bool:
        """Whether something is known to wait."""
        return bool(self.outbox) or bool(self.ready)


@define(eq=False)
class Gauge:
    """Looks at outbox and broker in a thread of its own."""

    _house: House
    depth: Depth = field(factory=Depth, init=False)
    outbox_fell_at: float = field(default=0.0, init=False)
    """When a relay was last seen to have moved something (time.monotonic)."""
    empty_since: float | None = field(default=None, init=False)
    counters: BrokerCounters = field(init=False)
    _lock: Lock = field(factory=Lock, init=False)
    _stop: Event = field(factory=Event, init=False)
    _threads: list[Thread] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.counters = BrokerCounters(url=self._house.rabbitmq.prometheus_url)

    def __enter__(self) -> Self:
        self._threads = [
            Thread(target=look, daemon=True) for look in (self._watch_outbox, self._watch_queue, self._watch_broker)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch_outbox(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            with suppress(pymysql.err.MySQLError, OSError), closing(self._connect()) as connection:
                while not self._stop.wait(LOOK_SECONDS):
                    self._see_outbox(_count(connection))
            self._see_outbox(None)

    def _watch_queue(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            with suppress(OSError, AMQPError), self._house.rabbitmq.connection(self._dsn) as connection:
                channel = connection.channel()
                while not self._stop.wait(LOOK_SECONDS):
                    self._see(ready=channel.queue_declare(QUEUE, passive=True).message_count)
            self._see(ready=None)

    def _watch_broker(self) -> None:
        while not self._stop.wait(BROKER_LOOK_SECONDS):
            self.counters.look()
            try:
                queues = self._house.rabbitmq.management("GET", f"/api/queues/{self._vhost}")
            except (OSError, HttpError):
                self._see(queued=None)
                continue
            counts = [queue.get("messages") for queue in queues]  # of a new or restarted queue it says nothing for 5 s
            self._see(queued=None if None in counts else sum(counts))

    def _see_outbox(self, rows: int | None) -> None:
        before = self.depth.outbox
        if rows is not None and before is not None and rows < before:
            self.outbox_fell_at = time.monotonic()
        self._see(outbox=rows)

    def _see(self, **seen: int | None) -> None:
        with self._lock:
            self.depth = depth = evolve(self.depth, **seen)
            if not depth.is_empty:
                self.empty_since = None
            elif self.empty_since is None:
                self.empty_since = time.monotonic()

    def _connect(self) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        url = sa.make_url(self._house.variables["DATABASE_URL"])
        assert url.host is not None
        return pymysql.connect(
            host=url.host,
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            autocommit=True,
            connect_timeout=2,
            read_timeout=5,
        )

    @property
    def _dsn(self) -> str:
        return self._house.variables["RABBITMQ_DSN"]

    @property
    def _vhost(self) -> str:
        return urlsplit(self._dsn).path.removeprefix("/")


def _count(connection: "pymysql.connections.Connection[pymysql.cursors.Cursor]") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT %s) AS some_rows", (AT_MOST,))
        (rows,) = cursor.fetchone() or (0,)
        return int(rows)
