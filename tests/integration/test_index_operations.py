"""The index in trouble, and what operators are told of it: damage, a Qdrant that is away, queues and dead letters."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from qdrant_client import models

from adapters.qdrant.index import point_id
from tests.integration.http_api import serving
from tests.integration.index_production import (
    INDEX,
    INDEX_QUEUE,
    USERS,
    IndexProduction,
    index_production,  # noqa: F401  pytest finds the fixture here
)
from tests.integration.journeys import Journeys, journeys
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.test_least_rights import permissions_of_penchant
from tests.services.ports import LOOPBACK, free_port
from tests.services.waiting import wait_until

KEY = "wrong-key"
STRANGE_IDS = (7, 2**63, str(uuid4()))


@pytest.fixture(scope="module", name="kept")
def kept_journeys(shop: IndexProduction) -> Journeys:
    """Users and products whose points are right."""
    kept = journeys("kept", 100, users=5)
    shop.stock(kept.products)
    shop.base.record(kept.messages)
    shop.base.finish(kept.counts)
    shop.base.ok("catch-up", "--queue", "qdrant", "--older-than", "0")
    assert shop.wrong(kept.users) == []
    return kept


@pytest.fixture(name="damaged")
def damaged_points(shop: IndexProduction, kept: Journeys) -> Journeys:
    """The same, after somebody has put nonsense in place of some points, and beside them."""
    points = shop.points()
    right, another = (points[user_id].vector.tolist() for user_id in ("kept-u2", "kept-u3"))
    payload = points["kept-u2"].payload
    ghost = {"user_id": "ghost", "mark": "w1"}
    nonsense = [
        models.PointStruct(id=point_id("kept-u0"), vector=right, payload={}),
        models.PointStruct(id=point_id("kept-u1"), vector=right, payload={**points["kept-u1"].payload, "mark": 7}),
        models.PointStruct(id=point_id("kept-u2"), vector=another, payload=payload),
        models.PointStruct(id=point_id("kept-u3"), vector=another, payload={**points["kept-u3"].payload, "as_of": 1}),
        models.PointStruct(id=point_id("ghost"), vector=right, payload=ghost),
        *(
            models.PointStruct(id=strange, vector=right, payload={**payload, "user_id": "foe"})
            for strange in STRANGE_IDS
        ),
    ]
    with closing(shop.qdrant.connect()) as client:
        client.upsert(USERS, nonsense, wait=True)
    return kept


@pytest.mark.usefixtures("damaged")
def test_what_somebody_has_damaged_is_found_with_its_user_and_the_reason(shop: IndexProduction) -> None:
    outcome = shop.base.run("verify", "--queue", "qdrant", "--json")

    report = outcome.json["qdrant"]
    found = {mismatch["user_id"]: mismatch["reason"] for mismatch in report["mismatched_users"]}
    assert outcome.code == 1
    assert found.keys() == {"kept-u0", "kept-u1", "kept-u2", "kept-u3", "ghost"}
    assert found["kept-u0"] == found["kept-u1"] == "has a point that makes no sense"
    assert "off by" in found["kept-u2"]
    assert "as_of" in found["kept-u3"]
    assert "nothing stored" in found["ghost"]


@pytest.mark.usefixtures("damaged")
def test_points_of_others_are_counted_and_the_remedy_is_told(shop: IndexProduction) -> None:
    told = shop.base.run("verify", "--queue", "qdrant").stdout
    reports = shop.base.run("verify", "--queue", "qdrant", "--json").json

    strays = len(STRANGE_IDS) + 1  # that of kept-u0 does not say whose it is
    assert {name: report["strays"] for name, report in reports.items()} == {"qdrant": strays, "qdrant_products": 0}
    assert f"{strays} points beside those of users are foreign or damaged" in told
    assert "`penchant rebuild --all --queue qdrant` removes them" in told


def test_damage_stops_no_worker_and_new_events_mend_it(shop: IndexProduction, damaged: Journeys) -> None:
    with shop.worker(INDEX) as worker:
        _do_again(shop, damaged, "more", 40)

        shop.wait_until_followed(damaged.users)

        assert worker.running
        assert worker.journal("delivery_failed") == []
    assert shop.base.dead() == []


def test_a_rebuild_puts_all_right_and_removes_what_is_foreign(shop: IndexProduction, damaged: Journeys) -> None:
    shop.base.ok("rebuild", "--all", "--queue", "qdrant")

    assert shop.wrong(damaged.users) == []
    reports = shop.base.ok("verify", "--queue", "qdrant", "--json").json
    assert {name: (report["mismatches"], report["strays"]) for name, report in reports.items()} == {
        "qdrant": (0, 0),
        "qdrant_products": (0, 0),
    }


def test_an_index_that_is_away_at_the_start_keeps_nobody_else_from_work(shop: IndexProduction) -> None:
    journey = journeys("start", 20)
    shop.stock(journey.products)
    nowhere = _nowhere()

    alone = shop.base.process("worker", "--queue", "qdrant", QDRANT_URL=nowhere)
    with shop.worker("all", QDRANT_URL=nowhere) as worker:
        [line] = worker.wait_for("consumer_waits")[:1]
        shop.base.record(journey.messages)
        shop.base.wait_until_counted(journey.counts)

    assert alone.code != 0
    assert "QDRANT_URL" in alone.stderr
    assert line["queue"] == INDEX_QUEUE
    assert KEY not in worker.text + alone.stderr
    shop.follow()


def test_doctor_says_that_the_index_is_away(shop: IndexProduction) -> None:
    outcome = shop.base.run("doctor", "--json", QDRANT_URL=_nowhere())

    [finding] = [finding for finding in outcome.json["findings"] if finding["part"] == "Qdrant"]
    assert (outcome.code, finding["health"]) == (1, "failed")
    assert "QDRANT_URL" in finding["text"]
    assert KEY not in outcome.stdout


@pytest.mark.usefixtures("kept")
def test_doctor_finds_nothing_wrong_with_an_index_that_works(shop: IndexProduction) -> None:
    findings = shop.base.run("doctor", "--json").json["findings"]

    of_qdrant = {finding["subject"]: finding for finding in findings if finding["part"] == "Qdrant"}
    assert {finding["health"] for finding in of_qdrant.values()} == {"ok"}
    assert of_qdrant[USERS]["text"].startswith("Searches find user_embeddings_")
    assert ("RabbitMQ", f"depth of {INDEX_QUEUE}") in {(finding["part"], finding["subject"]) for finding in findings}


def test_the_api_is_ready_without_the_index_and_says_that_it_is_away(shop: IndexProduction) -> None:
    with serving(shop.base.start, QDRANT_URL=_nowhere()) as api:
        ready = api.get("/ready")
        queues = api.get("/rabbitmq/health").json()["queues"]

    assert ready.status_code == 200
    assert {"part": "qdrant", "health": "warning"} in ready.json()["parts"]
    assert queues[INDEX_QUEUE].keys() == {"messages", "consumers", "lag", "dead_letters"}
    assert queues[INDEX_QUEUE]["lag"] >= queues[INDEX_QUEUE]["messages"]


def test_stats_of_its_queue_are_those_of_the_index(shop: IndexProduction, kept: Journeys) -> None:
    shop.follow()
    _do_again(shop, kept, "stats", 3)

    one = shop.base.ok("stats", INDEX_QUEUE, "--json").json

    assert (one["lag"], one["workers"], list(one["queues"])) == (3, 0, [INDEX_QUEUE])
    assert one["queues"][INDEX_QUEUE]["messages"] == 3
    shop.follow()


def test_a_message_that_is_no_event_is_a_dead_letter_and_no_more_rights_are_needed_than_documented(
    shop: IndexProduction, kept: Journeys
) -> None:
    with shop.base.rabbitmq.user(shop.base.broker_url, *permissions_of_penchant()) as url:
        shop.base.ok("setup", RABBITMQ_DSN=url)
        _do_again(shop, kept, "least", 3)
        with shop.worker(INDEX, RABBITMQ_DSN=url):
            shop.wait_until_followed(kept.users)
            shop.send(b"no event")
            [letter] = wait_until(shop.base.dead, DEADLINE_SECONDS, "what is no event to be given up")

    assert letter.queue == INDEX_QUEUE
    assert _finding(shop, "Work", "dead letters")["health"] == "warning"
    assert shop.base.ok("stats", INDEX_QUEUE, "--json").json["dead_letters"] == 1
    shop.base.ok("failed", "purge", "--all", "--yes")


def _do_again(shop: IndexProduction, journey: Journeys, prefix: str, count: int) -> None:
    """Some of the events once more, as new ones, which the embeddings have applied when this returns."""
    before = shop.base.states(sorted(journey.users))
    events = [message for message in journey.messages if "retracts" not in message][:count]
    shop.base.record([{**event, "message_id": f"{prefix}-{number}"} for number, event in enumerate(events)])
    more = Counter(event["user_id"] for event in events)
    shop.base.finish({user_id: state.event_count + more[user_id] for user_id, state in before.items()})


def _finding(shop: IndexProduction, part: str, subject: str) -> Mapping[str, Any]:
    findings = shop.base.run("doctor", "--json").json["findings"]
    [found] = [finding for finding in findings if (finding["part"], finding["subject"]) == (part, subject)]
    return dict(found)


def _nowhere() -> str:
    return f"http://:{KEY}@{LOOPBACK}:{free_port()}"
