"""The API while servers are away, and while it is killed itself: what was answered counts, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest

from tests.integration.http_api import Api, serving
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import Production, production_fixture, search  # noqa: F401
from tests.services.waiting import wait_until

SOME = 50
CLIENTS = 8
KILLS = 20
"""At the most, until one of them falls between a commit and its answer."""


@pytest.fixture(scope="module")
def api(production: Production) -> Iterator[Api]:
    """An API that lives through all of these outages."""
    with serving(production.start) as api:
        yield api


@pytest.fixture(autouse=True)
def _recovered(production: Production) -> Iterator[None]:
    yield
    production.recover()


def test_events_are_accepted_without_the_broker_and_arrive_after(production: Production, api: Api) -> None:
    production.rabbitmq.kill()
    answers = [api.post("/events", search(f"rabbit-{n}", "rabbit", "a mug")) for n in range(SOME)]
    assert {answer.status_code for answer in answers} == {202}
    assert api.get("/ready").status_code == 200
    unknown = api.get("/rabbitmq/health")
    assert (unknown.status_code, unknown.json()["type"]) == (503, "urn:penchant:problem:unavailable")

    production.rabbitmq.start()
    with production.worker("--no-relay"):
        production.wait_until_counted({"rabbit": SOME})
    production.assert_verified(["rabbit"])


def test_without_the_log_nothing_is_accepted_and_the_repeat_is_safe(production: Production, api: Api) -> None:
    message = search("mysql-1", "mysql", "a mug")
    assert api.post("/events", message).status_code == 202
    production.mysql.stop()

    refused = api.post("/events", search("mysql-2", "mysql", "a mug"))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:penchant:problem:unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    told = api.process.journal("request_failed")[-1]  # the broker was told of before
    assert "DATABASE_URL" in told["sentence"]
    assert "DATABASE_URL" not in refused.text
    assert api.get("/ready").status_code == 503
    assert api.get("/health").status_code == 200

    production.mysql.start()
    wait_until(lambda: api.get("/ready").status_code == 200, DEADLINE_SECONDS, "the API to be ready again")
    assert api.post("/events", search("mysql-2", "mysql", "a mug")).status_code == 202
    assert api.post("/events", message).status_code == 202
    production.finish({"mysql": 2})
    production.assert_verified(["mysql"])


def test_reads_say_that_the_store_is_away(production: Production, api: Api) -> None:
    production.record([search("mongo-1", "mongo", "a mug")])
    production.finish({"mongo": 1})
    assert api.get("/api/user/mongo/embedding").status_code == 200
    production.mongodb.stop()

    answer = api.get("/api/user/mongo/embedding")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:penchant:problem:unavailable")
    assert api.post("/events", search("mongo-2", "mongo", "a mug")).status_code == 202


def test_it_starts_and_accepts_while_broker_and_store_are_away(production: Production) -> None:
    production.rabbitmq.kill()
    production.mongodb.stop()

    with serving(production.start) as api:
        assert api.post("/events", search("start-1", "start", "a mug")).status_code == 202
        assert api.get("/ready").status_code == 503
        assert api.process.journal("server_out_of_reach")

    production.recover()
    production.finish({"start": 1})


def test_a_database_that_hangs_is_answered_for_and_waited_for(production: Production, api: Api) -> None:
    message = search("hang-1", "hang", "a mug")
    production.mysql.pause()
    try:
        ready = api.get("/ready")
        answer = api.post("/events", message)
        assert api.get("/health").status_code == 200
    finally:
        production.mysql.resume()

    parts = {part["part"]: part["health"] for part in ready.json()["parts"]}
    assert (ready.status_code, parts) == (503, {"log": "failed", "recipe": "failed", "user embeddings": "ok"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:penchant:problem:unavailable")
    assert "takes longer than 10 s" in api.process.journal("request_failed")[-1]["sentence"]
    assert api.post("/events", message).status_code == 202
    production.finish({"hang": 1})


def test_queues_are_told_with_who_listens(production: Production, api: Api) -> None:
    with production.worker("--no-relay"):
        body = wait_until(lambda: _with_a_consumer(api), DEADLINE_SECONDS, "the worker to listen")

    assert body["status"] == "ok"
    assert body["queues"]["failed"]["messages"] == 0


def test_a_broker_without_its_queues_is_not_well(production: Production, api: Api) -> None:
    with production.rabbitmq.connection(production.broker_url) as connection:
        for name in production.rabbitmq.queues(production.broker_url):
            connection.channel().queue_delete(name)

    answer = api.get("/rabbitmq/health")
    accepted = api.post("/events", search("without-1", "without", "a mug"))

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:penchant:problem:not-configured")
    assert "Run `penchant setup`" in api.process.journal("request_failed")[-1]["sentence"]
    assert accepted.status_code == 202


def test_killed_between_commit_and_answer_the_repeat_is_one_event(production: Production) -> None:
    numbers = count(1)
    sent: set[str] = set()
    unanswered: set[str] = set()
    for _ in range(KILLS):
        unanswered |= _killed_under_load(production, numbers, sent)
        if _in_the_log(production, unanswered):
            break
    else:
        pytest.fail(f"none of {KILLS} kills fell between a commit and its answer")

    with serving(production.start) as api:
        for message_id in sorted(unanswered):
            assert api.post("/events", _message(message_id)).status_code == 202
    assert _in_the_log(production, sent) == sent
    production.finish({"kill": len(sent)})
    production.assert_verified(["kill"])


def _killed_under_load(production: Production, numbers: Iterator[int], sent: set[str]) -> set[str]:
    """Let clients send until the API is killed; return the ids that nobody answered for."""
    answered: set[str] = set()

    def send(client: httpx.Client) -> None:
        while True:
            message_id = f"kill-{next(numbers)}"
            sent.add(message_id)
            try:
                answer = client.post("/events", json=_message(message_id))
            except httpx.TransportError:
                return
            assert answer.status_code == 202, answer.text
            answered.add(message_id)

    before = set(sent)
    with ExitStack() as stack:
        api = stack.enter_context(serving(production.start, "--no-relay"))
        clients = [stack.enter_context(httpx.Client(base_url=api.url)) for _ in range(CLIENTS)]
        threads = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        futures = [threads.submit(send, client) for client in clients]
        wait_until(lambda: len(answered) >= SOME, DEADLINE_SECONDS, "some answers")
        api.process.kill()
        for future in futures:
            future.result()
    return sent - before - answered


def _with_a_consumer(api: Api) -> dict[str, Any] | None:
    body: dict[str, Any] = api.get("/rabbitmq/health").json()
    return body if body["queues"]["user_embedding_updates"]["consumers"] == 1 else None


def _message(message_id: str) -> dict[str, object]:
    message = search(message_id, "kill", "a mug")
    del message["occurred_at"]
    return message


def _in_the_log(production: Production, message_ids: set[str]) -> set[str]:
    with production.container() as container:
        return set(container.event_log().find(message_ids))
