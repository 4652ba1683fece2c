"""Production with an index of vectors beside the embeddings."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from attrs import evolve, frozen
from kombu import Connection

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

    def worker(self, queue: str, *arguments: str, **variables: str) -> PenchantProcess:
        """A worker of one consumer, or of all, that works; whoever calls this ends it."""
        process = self.base.start("worker", "--queue", queue, *arguments, **variables)
        process.wait_for("worker_started")
        return process

    def points(self, alias: str = USERS) -> Mapping[str, FoundPoint]:
        """All points behind an alias by our id, asked without any code of the program."""
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
        return self.base.rabbitmq.queue(self.base.broker_url, INDEX_QUEUE).ready

    def purge(self) -> None:
        """Empty that queue."""
        with Connection(self.base.broker_url) as connection:
            connection.channel().queue_purge(INDEX_QUEUE)


def points_of(qdrant: QdrantServer, alias: str) -> Mapping[str, FoundPoint]:
    """All points behind an alias that have an id of ours."""
    key = "user_id" if alias == USERS else "product_id"
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


def _is_right(point: FoundPoint | None, state: UserEmbedding | None) -> bool:
    if state is None or state.embedding is None:
        return point is None
    return (
        point is not None
        and np.array_equal(point.vector, state.embedding)
        and point.payload["event_count"] == state.event_count
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
