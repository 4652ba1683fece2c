"""Production with a graph beside the embeddings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from attrs import evolve, frozen
from kombu import Connection

from tests.integration.penchant_process import PenchantProcess
from tests.integration.production import Production, production_in
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.neo4j import Neo4jServer
from tests.services.openai_stub import OpenaiStub
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

EMBEDDINGS, GRAPH = "user_embedding_updates", "neo4j"
GRAPH_QUEUE = "events.neo4j"
PATIENCE_SECONDS = 180.0
"""A Neo4j that has just started plans and compiles for a while before it is quick."""

Edges = Mapping[tuple[str, str, str], tuple[int, datetime, datetime]]
"""Count, first and last time by user, type of event and product."""


@frozen(kw_only=True)
class GraphProduction:
    """Production, and Neo4j."""

    base: Production
    neo4j: Neo4jServer

    def worker(self, queue: str, *arguments: str, **variables: str) -> PenchantProcess:
        """A worker of one consumer, or of all, that works; whoever calls this ends it."""
        process = self.base.start("worker", "--queue", queue, *arguments, **variables)
        process.wait_for("worker_started")
        return process

    def edges(self, user_ids: Iterable[str]) -> Edges:
        """What the graph holds, asked without any code of the program."""
        statement = """
            UNWIND $user_ids AS user_id
            MATCH (:User {user_id: user_id})-[edge]->(product:Product)
            RETURN user_id, type(edge) AS type, product.product_id AS product_id, edge.count AS count,
                   edge.first AS first, edge.last AS last
        """
        names = {"VIEWED": "view", "CLICKED": "click", "PURCHASED": "purchase"}
        with self.neo4j.connect() as driver:
            records = driver.execute_query(statement, user_ids=list(user_ids)).records
        return {
            (record["user_id"], names[record["type"]], record["product_id"]): (
                record["count"],
                record["first"].to_native(),
                record["last"].to_native(),
            )
            for record in records
            if record["type"] is not None  # it was deleted while it was read
        }

    def ask(self, statement: str, **parameters: Any) -> list[Any]:
        """What a statement returns."""
        with self.neo4j.connect() as driver:
            return driver.execute_query(statement, parameters).records  # type: ignore[arg-type]  # tests write their own

    def waiting(self) -> int:
        """Events that wait in the queue of the graph."""
        return self.base.rabbitmq.ready(self.base.broker_url, [GRAPH_QUEUE])[GRAPH_QUEUE]

    def purge(self) -> None:
        """Empty that queue."""
        with Connection(self.base.broker_url) as connection:
            connection.channel().queue_purge(GRAPH_QUEUE)

    def wait_for(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Wait until the graph holds exactly the edges of these messages."""
        expected = expected_edges(messages)
        users = {message["user_id"] for message in messages}
        wait_until(lambda: self.edges(users) == expected, PATIENCE_SECONDS, "the edges of all events")


def expected_edges(messages: Sequence[Mapping[str, Any]]) -> Edges:
    """The edges of what is not taken back, counted without any code of the program."""
    gone = {message["retracts"] for message in messages if "retracts" in message}
    times: dict[tuple[str, str, str], list[datetime]] = {}
    for message in messages:
        if message.get("product_id") is not None and message["message_id"] not in gone:
            ends = message["user_id"], message["event_type"], message["product_id"]
            times.setdefault(ends, []).append(datetime.fromisoformat(message["occurred_at"]))
    return {ends: (len(when), min(when), max(when)) for ends, when in times.items()}


@pytest.fixture(scope="module", name="shop")
def graph_production(
    tmp_path_factory: pytest.TempPathFactory,
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    openai_server: OpenaiStub,
    neo4j_server: Neo4jServer,
) -> Iterator[GraphProduction]:
    """One for all tests of a module; each has users of its own."""
    folder = tmp_path_factory.mktemp("graph")
    servers = (mysql_server, rabbitmq_server, mongodb_server, redis_server, openai_server)
    neo4j_server.start()
    with neo4j_server.graph() as url, production_in(folder, *servers) as production:
        base = evolve(production, variables={**production.variables, "NEO4J_URL": url})
        base.ok("setup")
        yield GraphProduction(base=base, neo4j=neo4j_server)
        base.assert_discreet()
