"""All consumers at once, each at its own pace, each held against a computation of its own from the raw events."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
import pytest
from attrs import evolve

from domain.recipe import DEFAULT_WEIGHTS
from tests.integration.graph_production import GraphProduction, expected_edges
from tests.integration.index_production import IndexProduction
from tests.integration.journeys import Journeys, Message, journeys
from tests.integration.production import production_in
from tests.reference import Expected, RawEvent, assert_agrees, expected_of
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.neo4j import Neo4jServer
from tests.services.openai_stub import OpenaiStub
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

LONG_SECONDS = 240.0
EVENTS, PEOPLE = 20_000, 300
RATE_PER_DAY = 0.023
WITHIN = 1e-5
LAST_EVENTS, LAST_PRODUCTS = 20, 10
"""How many of the last events the index looks at, and how many products it names."""

Shop = tuple[GraphProduction, IndexProduction]


@pytest.fixture(name="shop")
def fan_out_production(
    tmp_path_factory: pytest.TempPathFactory,
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    openai_server: OpenaiStub,
    neo4j_server: Neo4jServer,
    qdrant_server: QdrantServer,
) -> Iterator[Shop]:
    """One production, with the graph and with the index."""
    folder = tmp_path_factory.mktemp("fan-out")
    servers = (mysql_server, rabbitmq_server, mongodb_server, redis_server, openai_server)
    neo4j_server.start()
    qdrant_server.start()
    with neo4j_server.graph() as neo4j, qdrant_server.space() as qdrant, production_in(folder, *servers) as production:
        base = evolve(production, variables={**production.variables, "NEO4J_URL": neo4j, "QDRANT_URL": qdrant})
        base.ok("setup")
        yield GraphProduction(base=base, neo4j=neo4j_server), IndexProduction(base=base, qdrant=qdrant_server)


@pytest.mark.slow
def test_twenty_thousand_events_with_repeats_and_retractions_are_everywhere_what_an_own_computation_gives(
    shop: Shop,
) -> None:
    graph, index = shop
    # A retraction has the graph read its user again: so many that most users have one, and most batches do not.
    journey = journeys("many", EVENTS, users=PEOPLE, taken_back=0.02)
    edges, embeddings = expected_edges(journey.messages), _expected_embeddings(index, journey)
    users = sorted(journey.users)

    with graph.worker("neo4j"), graph.worker("qdrant"), graph.worker("user_embedding_updates"):
        for start in range(0, EVENTS, 1_000):
            graph.base.record(journey.messages[start : start + 1_000])
        graph.base.ok("replay", "--to", "2026-01-12")  # about a tenth of them
        graph.base.wait_until_drained(LONG_SECONDS)  # only then is all asked: to ask takes the time of those who work
        wait_until(lambda: graph.edges(users) == edges, LONG_SECONDS, "the edges of all events")
        wait_until(lambda: not index.wrong(users), LONG_SECONDS, "the points of all states")

    assert graph.edges(users) == edges
    states, points, last_products = graph.base.states(users), index.points(), _last_products(journey)
    for user_id, expected in embeddings.items():
        assert_agrees(states.get(user_id), expected, RATE_PER_DAY)
        if expected.event_count == 0:
            assert user_id not in points
            continue
        point = points[user_id]
        assert np.linalg.norm(point.vector - expected.vector / expected.norm) <= WITHIN
        assert point.payload["event_count"] == expected.event_count
        assert point.payload["last_products"] == last_products[user_id]
        assert datetime.fromisoformat(point.payload["as_of"]) == states[user_id].as_of
    reports = graph.base.ok("verify", "--queue", "all", "--json").json
    proofs = ("user_embedding_updates", "neo4j", "qdrant", "qdrant_products")
    assert {name: (report["mismatches"], report["lag"]) for name, report in reports.items()} == dict.fromkeys(
        proofs, (0, 0)
    )


def _expected_embeddings(index: IndexProduction, journey: Journeys) -> Mapping[str, Expected]:
    """The closed formula over the raw events of each user, with the vectors that the catalogue was given."""
    index.stock(journey.products)
    with index.base.container() as container:
        ids, matrix = container.catalogue().vectors(journey.products)
    vectors = dict(zip(ids, matrix, strict=True))
    weights = {str(event_type): weight for event_type, weight in DEFAULT_WEIGHTS.items()}
    raw: dict[str, list[RawEvent]] = {user_id: [] for user_id in journey.users}
    for message in journey.messages:
        if "retracts" not in message:
            raw[message["user_id"]].append(
                RawEvent(
                    user_id=message["user_id"],
                    event_type=message["event_type"],
                    subject=message["product_id"],
                    occurred_at=datetime.fromisoformat(message["occurred_at"]),
                    retracted=message["message_id"] in journey.gone,
                )
            )
    return {
        user_id: expected_of(events, user_id, vectors.__getitem__, weights, RATE_PER_DAY)
        for user_id, events in raw.items()
    }


def _last_products(journey: Journeys) -> Mapping[str, Sequence[str]]:
    """The products of what each user did last and did not take back, the last first."""
    done: dict[str, list[Message]] = {}
    for message in journey.messages:
        done.setdefault(message["user_id"], []).append(message)
    named = {}
    for user_id, messages in done.items():
        last = reversed(messages[-LAST_EVENTS:])
        alive = [m["product_id"] for m in last if "product_id" in m and m["message_id"] not in journey.gone]
        named[user_id] = list(dict.fromkeys(alive))[:LAST_PRODUCTS]
    return named
