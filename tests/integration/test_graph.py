"""The consumer of the graph, as a process on real servers: beside the embeddings, and hurt by nobody."""

import json
import os
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import amqp
import pytest

from adapters.neo4j.database import Neo4jDatabase
from application.ports.examinable import Health
from domain.errors import TransientError
from entrypoints.api import service_of
from tests.integration import graph_questions
from tests.integration.graph_production import (
    EMBEDDINGS,
    GRAPH,
    GRAPH_QUEUE,
    GraphProduction,
    graph_production,  # noqa: F401  pytest finds the fixture here
)
from tests.integration.http_api import serving
from tests.integration.journeys import LONG_AGO, Journeys, Message, journeys
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.test_least_rights import permissions_of_penchant
from tests.services.ports import LOOPBACK, free_port
from tests.services.waiting import wait_until

KILLS = int(os.environ.get("PENCHANT_KILLS", "4"))
"""Of workers of the graph; `make chaos` has more."""
LOAD = 200
"""Events between two kills, in batches of ten: so many that there is work left when somebody is killed."""


def _record(shop: GraphProduction, messages: Sequence[Message]) -> None:
    for start in range(0, len(messages), 1_000):
        shop.base.record(messages[start : start + 1_000])


def test_events_become_edges_whether_their_product_is_known_or_not(shop: GraphProduction) -> None:
    messages = journeys("first", 200).messages

    with shop.worker(GRAPH), shop.worker(EMBEDDINGS):
        _record(shop, messages)
        shop.wait_for(messages)

    report = shop.base.ok("verify", "--queue", "neo4j", "--json").json
    assert (report["mismatches"], report["lag"]) == (0, 0)


def test_a_phrase_makes_no_node_unless_that_is_switched_on(shop: GraphProduction) -> None:
    search = {
        "message_id": "phrase-m1",
        "user_id": "phrase-u1",
        "event_type": "search",
        "search_phrase": "zebrafinch seed",
        "occurred_at": LONG_AGO.isoformat(),
    }
    shop.base.record([search])
    with shop.worker(GRAPH):
        wait_until(lambda: _positions(shop, "phrase-u1") == [1], DEADLINE_SECONDS, "the event to be applied")
    assert shop.ask("MATCH (n:Phrase) RETURN n") == []

    shop.base.ok("rebuild", "--user", "phrase-u1", "--queue", "neo4j", PENCHANT_GRAPH_PHRASES="true")

    searched = "MATCH (:User {user_id: 'phrase-u1'})-[e:SEARCHED]->(p:Phrase) RETURN p.text AS text, e.count AS count"
    [record] = shop.ask(searched)
    assert (record["text"], record["count"]) == ("zebrafinch seed", 1)
    verified = shop.base.ok("verify", "--queue", "neo4j", "--json", PENCHANT_GRAPH_PHRASES="true")
    assert verified.json["mismatches"] == 0

    shop.base.ok("rebuild", "--user", "phrase-u1", "--queue", "neo4j")

    assert shop.ask("MATCH (n:Phrase) RETURN n") == []


def test_without_the_graph_embeddings_stay_fresh_and_it_catches_up_when_it_is_back(shop: GraphProduction) -> None:
    messages = journeys("away", 300).messages
    with shop.worker(GRAPH) as graph, shop.worker(EMBEDDINGS):
        shop.neo4j.stop()
        _record(shop, messages)
        users = sorted({message["user_id"] for message in messages})
        wait_until(lambda: set(shop.base.states(users)) == set(users), DEADLINE_SECONDS, "the embeddings")
        graph.wait_for("neo4j_worker_paused", 3)

        shop.neo4j.start()
        shop.wait_for(messages)

        assert graph.journal("delivery_failed") == []
    assert shop.base.dead() == []


def test_workers_that_are_killed_again_and_again_under_load_come_to_what_an_own_count_gives(
    shop: GraphProduction,
) -> None:
    every = journeys("killed", KILLS * LOAD).messages
    # A retraction has its user read from the log again, which mends whatever was lost: most users have none.
    messages = [m for m in every if "retracts" not in m or m["user_id"] == "killed-u0"]
    journey = Journeys(messages)
    users, products = journey.users, journey.products
    texts = "".join(json.dumps({"product_id": product, "text": f"a mug, {product}"}) + "\n" for product in products)
    shop.base.ok("products", "import", "-", stdin=texts)

    with ExitStack() as all_of_them:

        def started(queue: str) -> PenchantProcess:
            return all_of_them.enter_context(shop.base.start("worker", "--queue", queue, "--batch-size", "10"))

        graphs, embeddings = deque([started(GRAPH), started(GRAPH)]), started(EMBEDDINGS)
        for kill in range(KILLS):
            graphs.append(started(GRAPH))  # the next is ready by the time one is killed: to start takes a second
            graphs[0].wait_for("worker_started")
            before = sum(_positions(shop, *users))
            _record(shop, messages[LOAD * kill : LOAD * (kill + 1)])
            wait_until(lambda: sum(_positions(shop, *users)) > before, DEADLINE_SECONDS, "a write")  # noqa: B023  # at once
            graphs.popleft().kill()
            if kill % 4 == 0:
                embeddings.wait_for("worker_started")
                embeddings.kill()
                embeddings = started(EMBEDDINGS)

        shop.wait_for(messages)
        shop.base.wait_until_counted(journey.counts)


def test_what_its_queue_has_lost_comes_from_the_log(shop: GraphProduction) -> None:
    messages = journeys("purged", 150).messages
    shop.purge()  # of what an earlier test may have left there
    _record(shop, messages)
    with shop.worker(EMBEDDINGS):
        wait_until(lambda: shop.waiting() == 150, DEADLINE_SECONDS, "all events to be in the queue")
    shop.purge()

    report = shop.base.ok("catch-up", "--queue", "neo4j", "--older-than", "0", "--json").json

    assert report["events"] >= 150
    shop.wait_for(messages)


def test_what_an_operator_ends_is_no_fault_of_the_events(shop: GraphProduction) -> None:
    database = Neo4jDatabase(shop.base.variables["NEO4J_URL"])

    def is_ended() -> None:
        with database.transaction() as transaction:
            transaction.run("MERGE (:User {user_id: 'ended-u1'})").consume()
            shop.ask(
                "SHOW TRANSACTIONS YIELD transactionId AS id, activeLockCount AS locks WHERE locks > 0"
                " TERMINATE TRANSACTIONS id YIELD message RETURN message"
            )
            transaction.run("RETURN 1").consume()

    with pytest.raises(TransientError):
        is_ended()
    database.dispose()


def test_what_somebody_has_damaged_stops_nobody_and_a_rebuild_mends_it(shop: GraphProduction) -> None:
    messages = journeys("damaged", 60, users=2).messages
    _record(shop, messages)
    with shop.worker(GRAPH) as worker:
        shop.wait_for(messages)
        shop.ask("MATCH (u:User {user_id: 'damaged-u0'}) SET u.position = 'seven', u.missing = [true]")
        shop.ask("MATCH (:User {user_id: 'damaged-u1'})-[e]->() SET e.count = 'many', e.first = 1, e.last = null")
        more = [{**message, "message_id": f"{message['message_id']}-again"} for message in messages[:20]]
        more = [message for message in more if "retracts" not in message]
        _record(shop, more)
        every = Counter(message["user_id"] for message in [*messages, *more])
        wait_until(lambda: _positions(shop, *every) == sorted(every.values()), DEADLINE_SECONDS, "all to be applied")
        assert worker.running
        assert worker.journal("delivery_failed") == []

    assert shop.base.run("verify", "--queue", "neo4j").code == 1
    shop.base.ok("rebuild", "--user", "damaged-u0", "--user", "damaged-u1", "--queue", "neo4j")

    shop.wait_for([*messages, *more])
    shop.base.ok("verify", "--queue", "neo4j", "--user", "damaged-u0", "--user", "damaged-u1")


def test_a_graph_that_is_away_at_the_start_keeps_nobody_else_from_work(shop: GraphProduction) -> None:
    nowhere = f"bolt://neo4j:wrong-password@{LOOPBACK}:{free_port()}"
    messages = journeys("start", 20).messages

    alone = shop.base.process("worker", "--queue", "neo4j", NEO4J_URL=nowhere)
    with shop.worker("all", NEO4J_URL=nowhere) as worker:
        [line] = worker.wait_for("consumer_waits")[:1]
        _record(shop, messages)
        users = sorted({message["user_id"] for message in messages})
        wait_until(lambda: set(shop.base.states(users)) == set(users), DEADLINE_SECONDS, "the embeddings")

    assert alone.code != 0
    assert "NEO4J_URL" in alone.stderr
    assert line["queue"] == GRAPH_QUEUE
    assert "wrong-password" not in worker.text + alone.stderr


def test_one_worker_can_be_all_consumers(shop: GraphProduction) -> None:
    messages = journeys("both", 100).messages

    with shop.worker("all") as worker:
        _record(shop, messages)
        shop.wait_for(messages)
        users = sorted({message["user_id"] for message in messages})
        wait_until(lambda: set(shop.base.states(users)) == set(users), DEADLINE_SECONDS, "the embeddings")
        shop.base.ok("stop-workers")
        wait_until(lambda: not worker.running, DEADLINE_SECONDS, "all of it to end")


def test_doctor_and_the_broker_s_health_know_of_the_graph(shop: GraphProduction) -> None:
    report = shop.base.run("doctor", "--json").json

    findings = {(finding["part"], finding["subject"]): finding["health"] for finding in report["findings"]}
    assert findings["Neo4j", "constraints"] == "ok"
    assert ("RabbitMQ", f"depth of {GRAPH_QUEUE}") in findings


def test_the_api_is_ready_without_the_graph_and_says_that_it_is_away(shop: GraphProduction) -> None:
    nowhere = f"bolt://neo4j:wrong-password@{LOOPBACK}:{free_port()}"
    with serving(shop.base.start, NEO4J_URL=nowhere) as api:
        ready = api.get("/ready")
        assert ready.status_code == 200
        assert {"part": "neo4j", "health": "warning"} in ready.json()["parts"]

    with shop.base.container() as container:
        ask = service_of(container).ready
        wait_until(lambda: {f.part: f.health for f in ask()}["neo4j"] is Health.OK, DEADLINE_SECONDS, "the graph")


def test_stats_of_its_queue_are_those_of_the_graph(shop: GraphProduction) -> None:
    def caught_up() -> bool:
        return bool(shop.base.ok("stats", "--json").json["lag"] == 0)

    with shop.worker(EMBEDDINGS):
        wait_until(caught_up, DEADLINE_SECONDS, "what others have left")
        shop.purge()
        shop.base.record(journeys("stats", 3).messages)
        wait_until(lambda: shop.waiting() == 3, DEADLINE_SECONDS, "all events to be in the queue")
        wait_until(caught_up, DEADLINE_SECONDS, "the embeddings")

        every, one = (shop.base.ok("stats", *queue, "--json").json for queue in ([], [GRAPH_QUEUE]))

    assert (every["lag"], every["workers"], every["queues"][GRAPH_QUEUE]["messages"]) == (0, 1, 3)
    assert (one["lag"], one["workers"], list(one["queues"])) == (3, 0, [GRAPH_QUEUE])


def test_the_worker_of_the_graph_needs_no_more_of_the_broker_than_is_documented(shop: GraphProduction) -> None:
    messages = journeys("least", 20).messages
    with shop.base.rabbitmq.user(shop.base.broker_url, *permissions_of_penchant()) as url:
        shop.base.ok("setup", RABBITMQ_DSN=url)
        _record(shop, messages)
        with shop.worker(GRAPH, RABBITMQ_DSN=url):
            shop.wait_for(messages)
            _send_to_the_graph(shop, b"no event")
            wait_until(shop.base.dead, DEADLINE_SECONDS, "what is no event to be given up")
    shop.base.ok("failed", "purge", "--all", "--yes")


@pytest.fixture(scope="module", name="asked")
def asked_shop(shop: GraphProduction) -> GraphProduction:
    """A small shop, in the graph by the commands of the page."""
    shop.base.record(
        graph_questions.done(
            "17850 purchase asked-tea 05-01",
            "17850 purchase asked-mug 05-07",
            "17850 purchase asked-tea 05-09",
            "17850 view asked-mug 05-06",
            "17850 view asked-pot 05-08",
            "17850 view asked-tin 05-02",
            "asked-ben purchase asked-tea 05-05",
            "asked-ben purchase asked-mug 05-05",
            "asked-ben purchase asked-pot 05-05",
            "asked-ben view asked-pot 05-05",
            "asked-ben view asked-pot 05-01",
            "asked-cat purchase asked-tea 05-05",
            "asked-cat purchase asked-mug 05-05",
            "asked-dan purchase asked-hat 05-05",
        )
    )
    for command in graph_questions.commands("Switch it on"):
        if command[0] not in ("worker", "doctor"):
            shop.base.ok(*command)
    return shop


def test_what_a_user_bought_last(asked: GraphProduction) -> None:
    assert graph_questions.answers(asked, "What a user bought last", user_id="17850") == [
        {"product_id": "asked-tea", "times": 2, "last": "05-09"},
        {"product_id": "asked-mug", "times": 1, "last": "05-07"},
    ]


def test_what_was_bought_by_people_who_bought_this(asked: GraphProduction) -> None:
    assert graph_questions.answers(asked, "Bought by people who bought this", product_id="asked-tea") == [
        {"product_id": "asked-mug", "buyers": 3},
        {"product_id": "asked-pot", "buyers": 1},
    ]


def test_what_was_viewed_by_most_since_a_day(asked: GraphProduction) -> None:
    assert graph_questions.answers(asked, "Most viewed since a day", since="2026-05-04") == [
        {"product_id": "asked-pot", "viewers": 2, "views": 3},
        {"product_id": "asked-mug", "viewers": 1, "views": 1},
    ]


def test_what_a_user_viewed_and_did_not_buy(asked: GraphProduction) -> None:
    assert graph_questions.answers(asked, "Viewed and not bought", user_id="17850") == [
        {"product_id": "asked-pot", "views": 1, "last": "05-08"},
        {"product_id": "asked-tin", "views": 1, "last": "05-02"},
    ]


def _send_to_the_graph(shop: GraphProduction, body: bytes) -> None:
    with shop.base.rabbitmq.connection(shop.base.broker_url) as connection:
        connection.channel().basic_publish_confirm(amqp.Message(body), exchange="", routing_key=GRAPH_QUEUE)


def _positions(shop: GraphProduction, *user_ids: str) -> list[Any]:
    found = shop.ask(
        "MATCH (u:User) WHERE u.user_id IN $user_ids AND u.position > 0 RETURN u.position AS position",
        user_ids=list(user_ids),
    )
    return sorted(record["position"] for record in found)
