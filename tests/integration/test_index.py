"""The consumer of the index, as a process on real servers: it follows the embeddings, and is hurt by nobody."""

import os
from collections import Counter, deque
from contextlib import ExitStack

import numpy as np
import pytest

from tests.integration.index_production import (
    EMBEDDINGS,
    INDEX,
    PRODUCTS,
    USERS,
    IndexProduction,
    index_production,  # noqa: F401  pytest finds the fixture here
)
from tests.integration.journeys import LONG_AGO, Journeys, journeys
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.production import MARK, search
from tests.services.waiting import wait_until

KILLS = int(os.environ.get("PENCHANT_KILLS", "4"))
"""Of workers of the index; `make chaos` has more."""
LOAD, LOADED_USERS = 200, 100
"""Between two kills: so few events a user that a later one seldom mends what was lost with an earlier one."""
BATCH = ("--batch-size", "10")
TURNS = 4
"""At which a worker is frozen in the middle of whatever it does."""
ONE_BY_ONE = ("--batch-size", "1")


@pytest.fixture(scope="module", name="first")
def first_journeys(shop: IndexProduction) -> Journeys:
    """Users and products whose points are right."""
    first = journeys("first", 300, users=40)
    shop.stock(first.products)
    with shop.workers(INDEX, EMBEDDINGS):
        shop.base.record(first.messages)
        shop.base.wait_until_counted(first.counts)
        shop.wait_until_followed(first.users)
        wait_until(lambda: first.products <= shop.points(PRODUCTS).keys(), DEADLINE_SECONDS, "the products' points")
    return first


def test_a_search_for_users_finds_what_a_plain_sort_finds(shop: IndexProduction, first: Journeys) -> None:
    states = shop.base.states(sorted(first.users))
    vectors = {user_id: state.embedding for user_id, state in states.items() if state.embedding is not None}

    found = shop.search(USERS, vectors["first-u0"], vectors)

    _assert_nearest(found, vectors, vectors["first-u0"])


def test_a_search_for_products_finds_what_a_plain_sort_finds(shop: IndexProduction, first: Journeys) -> None:
    with shop.base.container() as container:
        products = container.catalogue().read(first.products)
    vectors = {product_id: product.embedding for product_id, product in products.items()}
    taste = shop.base.states(["first-u0"])["first-u0"].embedding
    assert taste is not None

    found = shop.search(PRODUCTS, taste, vectors)

    _assert_nearest(found, vectors, taste)


def test_what_it_has_followed_verifies(shop: IndexProduction, first: Journeys) -> None:
    some = [part for user_id in first.users for part in ("--user", user_id)]

    report = shop.base.ok("verify", "--queue", "qdrant", *some, "--json").json

    assert (report["users"], report["mismatches"], report["lag"]) == (len(first.users), 0, 0)


def test_without_the_index_embeddings_go_on_and_it_catches_up_when_it_is_back(shop: IndexProduction) -> None:
    journey = journeys("away", 200, users=20)
    shop.stock(journey.products)
    with shop.workers(INDEX, EMBEDDINGS) as (index, _):
        with shop.without_qdrant():
            shop.base.record(journey.messages)
            shop.base.wait_until_counted(journey.counts)
            index.wait_for("qdrant_worker_paused", 3)

        shop.wait_until_followed(journey.users)

        assert index.journal("delivery_failed") == []
    assert shop.base.dead() == []


def test_workers_that_are_killed_again_and_again_under_load_leave_every_point_right(shop: IndexProduction) -> None:
    loads = [journeys(f"killed{kill}", LOAD, users=LOADED_USERS) for kill in range(KILLS)]
    every = Journeys([message for load in loads for message in load.messages])
    shop.stock(every.products)

    with ExitStack() as all_of_them:

        def started(queue: str) -> PenchantProcess:
            return all_of_them.enter_context(shop.base.start("worker", "--queue", queue, *BATCH))

        workers, embeddings = deque([started(INDEX), started(INDEX)]), started(EMBEDDINGS)
        for kill, load in enumerate(loads):
            workers.append(started(INDEX))  # the next is ready by the time one is killed: to start takes a second
            workers[0].wait_for("worker_started")
            shop.base.record(load.messages)
            wait_until(lambda: load.users & shop.points().keys(), DEADLINE_SECONDS, "a write")  # noqa: B023  # at once
            workers.popleft().kill()
            if kill % 4 == 0:
                embeddings.wait_for("worker_started")
                embeddings.kill()
                embeddings = started(EMBEDDINGS)

        shop.base.wait_until_counted(every.counts)
        shop.wait_until_followed(every.users)


def test_an_index_that_is_slower_than_the_embeddings_ends_right(shop: IndexProduction) -> None:
    parts = [journeys(f"slower{turn}", 50) for turn in range(TURNS)]
    every = Journeys([message for part in parts for message in part.messages])
    shop.stock(every.products)
    with shop.workers(INDEX, INDEX, EMBEDDINGS, arguments=ONE_BY_ONE) as (frozen, slow, _):
        for part in parts:
            shop.base.record(part.messages)
            wait_until(lambda: part.users & shop.points().keys(), DEADLINE_SECONDS, "a write")  # noqa: B023  # at once
            frozen.pause()
            shop.base.wait_until_counted(part.counts)
            wait_until(lambda: not shop.waiting(), DEADLINE_SECONDS, "the other one to do the rest")
            frozen.resume()

        shop.wait_until_followed(every.users)

    assert _settled(frozen, slow).keys() <= {"applied", "not_tried"}
    assert shop.base.dead() == []


def test_an_index_that_is_faster_than_the_embeddings_waits_for_them_and_nothing_dies(shop: IndexProduction) -> None:
    journey = journeys("faster", 60, users=10)
    shop.stock(journey.products)
    one_retry = {"PENCHANT_FANOUT_RETRY_DELAYS": "500"}
    shop.base.ok("setup", **one_retry)
    with shop.worker(INDEX, **one_retry) as index:
        shop.base.record(journey.messages)
        index.wait_for("deliveries_put_off", 3)  # more often than they may fail
        with shop.worker(EMBEDDINGS, *ONE_BY_ONE):
            shop.base.wait_until_counted(journey.counts)
            shop.wait_until_followed(journey.users)
            wait_until(lambda: not shop.base.on_the_broker(), DEADLINE_SECONDS, "what was put off to come again")

    settled = _settled(index)
    assert settled["not_tried"] >= 2 * len(journey.messages)
    assert settled.keys() == {"applied", "not_tried"}
    assert shop.base.dead() == []


def test_what_its_queue_has_lost_is_brought_by_catching_up(shop: IndexProduction) -> None:
    journey = journeys("purged", 150, users=20)
    shop.stock(journey.products)
    shop.base.ok("catch-up", "--queue", "qdrant", "--older-than", "0")
    shop.base.record(journey.messages)
    shop.base.finish(journey.counts)
    shop.purge()
    with_vector = [state for state in shop.base.states(sorted(journey.users)).values() if state.embedding is not None]

    report = shop.base.ok("catch-up", "--queue", "qdrant", "--older-than", "0", "--json").json

    assert report["points"] == len(with_vector)
    assert shop.wrong(journey.users) == []
    printed = shop.base.ok("catch-up", "--queue", "qdrant", "--older-than", "0").stdout
    assert printed.startswith("0 points of the index were not what is stored")


def test_a_rebuild_wakes_the_index_without_any_new_event(shop: IndexProduction, first: Journeys) -> None:
    before = shop.base.states(["first-u1"])["first-u1"]
    with shop.worker(INDEX):
        shop.base.ok("rebuild", "--user", "first-u1")

        shop.wait_until_followed(first.users)

    assert shop.points()["first-u1"].payload["mark"] != before.write_id


def test_a_new_text_reaches_the_product_s_point_and_those_of_its_users(shop: IndexProduction, first: Journeys) -> None:
    before = shop.base.states(sorted(first.users))
    with shop.worker(INDEX):
        shop.stock(["first-p0"], text="a teapot")

        wait_until(
            lambda: shop.points(PRODUCTS)["first-p0"].payload["text"] == "a teapot, first-p0",
            DEADLINE_SECONDS,
            "the new text",
        )
        shop.wait_until_followed(first.users)

    after = shop.base.states(sorted(first.users))
    assert any(after[user_id].write_id != before[user_id].write_id for user_id in first.users)


def test_an_event_of_an_unknown_product_is_settled_and_comes_with_the_product(shop: IndexProduction) -> None:
    shop.follow()
    message = {"message_id": "unknown-m", "user_id": "unknown-u", "event_type": "purchase", "product_id": "unknown-p"}
    shop.base.record([{**message, "occurred_at": LONG_AGO.isoformat()}])

    report = shop.follow()

    assert {verdict.name: count for verdict, count in report.verdicts.items()} == {"APPLIED": 1}
    assert (shop.base.on_the_broker() - shop.base.rabbitmq.queue(shop.base.broker_url, EMBEDDINGS).ready) == 0
    assert "unknown-u" not in shop.points()
    shop.stock(["unknown-p"])
    shop.base.finish({"unknown-u": 1})
    shop.follow()
    assert shop.points()["unknown-u"].payload["last_products"] == ["unknown-p"]
    assert shop.wrong(["unknown-u"]) == []


def test_a_search_alone_gives_a_point_and_no_phrase_is_in_any(shop: IndexProduction) -> None:
    shop.base.record([search("search-m", "search-u", "seed for a")])
    shop.base.finish({"search-u": 1})

    shop.follow()

    assert shop.wrong(["search-u"]) == []
    payloads = [point.payload for alias in (USERS, PRODUCTS) for point in shop.points(alias).values()]
    assert "search-u" in {payload.get("user_id") for payload in payloads}
    assert MARK not in str(payloads)


def _assert_nearest(found: list[str], vectors: dict[str, np.ndarray], query: np.ndarray) -> None:
    nearness = {id_: float(vector @ query) for id_, vector in vectors.items()}
    nearest = sorted(nearness.values(), reverse=True)[: len(found)]
    assert len(set(found)) == 10
    assert [nearness[id_] for id_ in found] == pytest.approx(nearest, abs=1e-5)


def _settled(*workers: PenchantProcess) -> Counter[str]:
    """How often workers that have ended have settled deliveries in which way."""
    verdicts = ("applied", "later", "not_tried", "dead")
    lines = [line for worker in workers for line in worker.journal("deliveries_settled")]
    return Counter({verdict: count for verdict in verdicts if (count := sum(line.get(verdict, 0) for line in lines))})
