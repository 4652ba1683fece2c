"""Production with an index of vectors beside the embeddings."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import amqp
import numpy as np
import pytest
from attrs import evolve, frozen
from kombu import Connection
from qdrant_client import models

from application.work import WorkReport
from domain.user_embedding import UserEmbedding
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.production import Production, production_in
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.openai_stub import OpenaiStub
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

EMBEDDINGS, INDEX = "user_embedding_updates", "qdrant"
INDEX_QUEUE = "events.qdrant"
USERS, PRODUCTS = "user_embeddings", "product_embeddings"
PAGE = 1_000
QUIET_SECONDS = 0.3
"""If nothing has come for so long, nothing is on its way."""

Payload = dict[str, Any]


@frozen(kw_only=True)
class FoundPoint:
    """A point, as Qdrant's own client finds it."""

    vector: np.ndarray
    payload: Payload


@frozen(kw_only=True)
class IndexProduction:
    """Production, and Qdrant."""

    base: Production
    qdrant: QdrantServer

    def stock(self, products: Iterable[str], text: str = "a mug", **variables: str) -> None:
        """Import these products."""
        lines = [json.dumps({"product_id": product, "text": f"{text}, {product}"}) for product in sorted(products)]
        self.base.ok("products", "import", "-", stdin="\n".join(lines), **variables)

    def worker(self, queue: str, *arguments: str, **variables: str) -> PenchantProcess:
        """A worker of one consumer, or of all, that works; whoever calls this ends it."""
        process = self.base.start("worker", "--queue", queue, *arguments, **variables)
        process.wait_for("worker_started")
        return process

    @contextmanager
    def workers(self, *queues: str, arguments: Sequence[str] = ()) -> Iterator[Sequence[PenchantProcess]]:
        """Workers of these consumers, started at once; they are ended with the block."""
        with ExitStack() as stack:
            started = [self.base.start("worker", "--queue", queue, *arguments) for queue in queues]
            for process in started:
                stack.enter_context(process)
            for process in started:
                process.wait_for("worker_started")
            yield started

    @contextmanager
    def without_qdrant(self) -> Iterator[None]:
        """Qdrant is stopped, and started again with the end of the block."""
        self.qdrant.stop()
        try:
            yield
        finally:
            self.qdrant.start()

    def follow(self) -> WorkReport:
        """Do the index's work inside this process, which takes less time to start, until nothing is on its way."""
        total = WorkReport()
        with self.base.container() as container:
            while container.outbox().depth():
                container.relay()(PAGE)
            work = container.index_consumer.work()
            while (report := work.batch(PAGE, wait_seconds=QUIET_SECONDS)).deliveries:
                total += report
            container.index_consumer.source().close()
        return total

    def search(self, alias: str, vector: np.ndarray, among: Collection[str], limit: int = 10) -> Sequence[str]:
        """What a search finds among these, the nearest first."""
        key = _key(alias)
        only = models.FieldCondition(key=key, match=models.MatchAny(any=list(among)))
        with closing(self.qdrant.connect()) as client:
            found = client.query_points(
                alias, query=vector.tolist(), query_filter=models.Filter(must=[only]), limit=limit, with_payload=True
            )
        return [(point.payload or {})[key] for point in found.points]

    def points(self, alias: str = USERS) -> Mapping[str, FoundPoint]:
        """All points of a collection or behind an alias, by our id, asked without any code of the program."""
        return points_of(self.qdrant, alias)

    def wait_until_followed(self, user_ids: Collection[str]) -> None:
        """Wait until the point of each of these users is that of the stored state."""
        wait_until(lambda: not self.wrong(user_ids), DEADLINE_SECONDS, "the points of all states")

    def wrong(self, user_ids: Collection[str]) -> list[str]:
        """Who of these has a point that is not that of the stored state."""
        states, points = self.base.states(list(user_ids)), self.points()
        return [user_id for user_id in user_ids if not _is_right(points.get(user_id), states.get(user_id))]

    def waiting(self) -> int:
        """Events that wait in the queue of the index."""
        return self.base.rabbitmq.ready(self.base.broker_url, [INDEX_QUEUE])[INDEX_QUEUE]

    def send(self, body: bytes) -> None:
        """Put a message into that queue, as no program of ours does."""
        with self.base.rabbitmq.connection(self.base.broker_url) as connection:
            connection.channel().basic_publish_confirm(amqp.Message(body), exchange="", routing_key=INDEX_QUEUE)

    def purge(self) -> None:
        """Empty that queue."""
        with Connection(self.base.broker_url) as connection:
            connection.channel().queue_purge(INDEX_QUEUE)


def points_of(qdrant: QdrantServer, alias: str) -> Mapping[str, FoundPoint]:
    """Those that have an id of ours."""
    key = _key(alias)
    found: dict[str, FoundPoint] = {}
    offset: Any = None
    with closing(qdrant.connect()) as client:
        while True:
            records, offset = client.scroll(alias, limit=PAGE, offset=offset, with_payload=True, with_vectors=True)
            for record in records:
                payload = record.payload or {}
                if key in payload:
                    vector = np.array(record.vector, dtype=np.float32)
                    found[payload[key]] = FoundPoint(vector=vector, payload=payload)
            if offset is None:
                return found


def _key(alias: str) -> str:
    return "user_id" if alias.startswith(USERS) else "product_id"


def _is_right(point: FoundPoint | None, state: UserEmbedding | None) -> bool:
    if state is None or state.embedding is None:
        return point is None
    return (
        point is not None
        and np.array_equal(point.vector, state.embedding)
        and point.payload["event_count"] == state.event_count
        and point.payload["mark"] == state.write_id
    )


@pytest.fixture(scope="module", name="shop")
def index_production(
    tmp_path_factory: pytest.TempPathFactory,
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    openai_server: OpenaiStub,
    qdrant_server: QdrantServer,
) -> Iterator[IndexProduction]:
    """One for all tests of a module; each has users of its own."""
    folder = tmp_path_factory.mktemp("index")
    servers = (mysql_server, rabbitmq_server, mongodb_server, redis_server, openai_server)
    qdrant_server.start()
    with qdrant_server.space() as url, production_in(folder, *servers) as production:
        base = evolve(production, variables={**production.variables, "QDRANT_URL": url})
        base.ok("setup")
        yield IndexProduction(base=base, qdrant=qdrant_server)
        base.assert_discreet()
