"""What no worker can apply dies at once with its reason; everything else goes on, and operators can deal with it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import amqp
import pytest

from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.production import MARK, WORK, Production, production_fixture, search  # noqa: F401
from tests.services.waiting import wait_until

RETRY_SOON = {"WORKER_RETRY_DELAY": "150"}
REFUSAL = 400
SERVERS = {
    "database": "DATABASE_URL",
    "broker": "RABBITMQ_DSN",
    "mongodb": "MONGODB_URL",
    "redis": "REDIS_URL",
    "embedder": "OPENAI_BASE_URL",
}
HALVINGS = 6
"""Requests with the same one phrase among 50 when what the service refuses is looked for by halves."""


@pytest.fixture(scope="module")
def worker(production: Production) -> Iterator[PenchantProcess]:
    """One worker that lives through everything that is put before it."""
    production.ok("setup", **RETRY_SOON)
    with production.worker(**RETRY_SOON, EMBEDDING_BATCH_ENABLED="true", EMBEDDING_BATCH_WINDOW="0.5") as worker:
        yield worker


def send(
    production: Production, *bodies: bytes | Mapping[str, Any], routing_key: str = WORK, **properties: Any
) -> None:
    """Put messages on the queue as another program does: through the direct exchange that is there for them."""
    with production.rabbitmq.connection(production.broker_url) as connection:
        channel = connection.channel()
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            channel.basic_publish_confirm(amqp.Message(raw, **properties), exchange=WORK, routing_key=routing_key)


def error_of(production: Production, worker: PenchantProcess, message_id: str) -> tuple[str, str]:
    """Type and text of what a message died of; the worker lives."""
    letter = production.wait_until_dead([message_id])[message_id]
    assert worker.running, worker.last_words()
    assert letter.attempts <= 1
    return letter.error_type, letter.error_text


def test_of_fifty_messages_of_another_program_the_poison_dies_and_the_others_count(
    production: Production, worker: PenchantProcess
) -> None:
    messages = [search(f"fifty-{n}", "fifty", f"fifty {n}") for n in range(50)]
    messages[17] = {**messages[17], "event_type": "sniff"}
    send(production, *messages)
    production.wait_until_counted({"fifty": 49})
    kind, text = error_of(production, worker, "fifty-17")
    assert kind == "InvalidValueError"
    assert "event_type is 'sniff'; send one of search, view, click, purchase" in text


def test_of_fifty_events_the_one_whose_phrase_the_service_refuses_dies_and_the_others_count(
    production: Production, worker: PenchantProcess
) -> None:
    production.openai.fail(REFUSAL, times=HALVINGS)
    production.record([search(f"refused-{n}", f"refused-{n}", f"refused {n:02}") for n in range(50)])
    kind, text = error_of(production, worker, "refused-0")
    production.wait_until_counted({f"refused-{n}": 1 for n in range(1, 50)})
    assert kind == "PermanentError"
    assert "answers 400" in text
    assert MARK not in text
    assert MARK not in worker.text


def _with(**fields: Any) -> Callable[[dict[str, Any]], bytes]:
    return lambda message: json.dumps({**message, **fields}).encode()


BAD: dict[str, tuple[Callable[[dict[str, Any]], bytes], dict[str, Any], str]] = {
    "not-json": (lambda _: b"{'user_id': 1", {}, "body is not JSON"),
    "not-an-object": (lambda _: b"[1, 2]", {}, "body is a list"),
    "too-large": (lambda _: b"\0" * 10_000_000, {}, "body has 10000000 bytes"),
    "too-large-to-keep": (lambda _: b"\0" * 20_000_000, {}, "body has 20000000 bytes"),
    "too-deep": (lambda _: b"[" * 100_000, {}, "body is not JSON"),
    "wrong-type": (_with(user_id=[1]), {}, "user_id"),
    "unknown-field": (_with(colour="red"), {}, "colour is not a field of an event"),
    "old-version": (_with(), {"x-penchant-schema-version": 0}, "x-penchant-schema-version is 0"),
    "no-time-zone": (_with(occurred_at="2026-01-31T12:00:00"), {}, "occurred_at"),
    "two-subjects": (_with(product_id="mug"), {}, "product_id is set on a search"),
}


def test_what_is_no_event_is_dead_at_once_and_the_worker_goes_on(
    production: Production, worker: PenchantProcess
) -> None:
    for name, (body_of, headers, _) in BAD.items():
        message = search(f"bad-{name}", "bad", "of no event")
        send(production, body_of(message), message_id=f"bad-{name}", application_headers=headers)
    send(production, search("good", "good", "after all that"))
    production.wait_until_counted({"good": 1})
    for name, (_, _, reason) in BAD.items():
        kind, text = error_of(production, worker, f"bad-{name}")
        assert (name, kind) == (name, "InvalidValueError")
        assert reason in text
        assert MARK not in text
    assert worker.journal("worker_paused") == []


def test_the_worker_tells_of_what_it_collects_without_quoting_it(
    production: Production, worker: PenchantProcess
) -> None:
    send(production, search("told-1", "told-user", "x", event_type=MARK))

    def told() -> list[dict[str, object]]:
        return [line for line in worker.journal("dead_letter_collected") if line["message_id"] == "told-1"]

    [line] = wait_until(told, DEADLINE_SECONDS, "the dead letter in the journal")
    assert (line["error_type"], line["queue"], line["level"]) == ("InvalidValueError", WORK, "warning")


def test_the_worker_says_who_it_is_and_what_it_works_on(production: Production, worker: PenchantProcess) -> None:
    [started] = worker.journal("worker_started")
    assert started["pid"] == worker.pid
    for name, setting in SERVERS.items():
        assert f":{urlsplit(production.variables[setting]).port}" in started[name]
    with production.container() as container:
        assert started["recipe"] == container.recipe().id


def test_operators_list_show_and_purge_what_is_dead(production: Production, worker: PenchantProcess) -> None:
    message = search("dead-1", "dead-user", "dead", colour="red")
    send(production, message)
    error_of(production, worker, "dead-1")
    listed = production.ok("failed", "list", "--user", "dead-user", "--json").json
    (shown,) = production.ok("failed", "show", "dead-1", "--json").json
    retried = production.run("failed", "retry", "dead-1", "--json")
    purged = production.ok("failed", "purge", "--user", "dead-user", "--yes", "--json").json
    left = production.ok("failed", "list", "--user", "dead-user", "--json").json
    assert [letter["message_id"] for letter in listed["dead_letters"]] == ["dead-1"]
    assert json.loads(shown["body"]) == message
    assert (shown["queue"], shown["error_type"]) == (WORK, "InvalidValueError")
    assert (retried.code, retried.json) == (1, {"retried": 0, "refused": 1})
    assert purged == {"purged": 1}
    assert left["count"] == 0


@pytest.mark.parametrize(
    ("routing_key", "properties"),
    [
        pytest.param("", {"application_headers": {"type": "App\\Message\\UserEvent"}}, id="symfony"),
        pytest.param(WORK, {"content_type": "application/json"}, id="amqplib"),
    ],
)
def test_a_message_of_another_program_is_recorded_and_counted_once_also_when_it_comes_twice(
    production: Production, worker: PenchantProcess, routing_key: str, properties: dict[str, Any]
) -> None:
    name = f"foreign-{len(routing_key)}"
    message = search(name, name, "once")
    send(production, message, message, routing_key=routing_key, **properties)
    production.wait_until_counted({name: 1})
    send(production, message, search(f"{name}-later", name, "more"), routing_key=routing_key, **properties)
    production.wait_until_counted({name: 2})
    assert production.states([name])[name].applied.position == 2
    assert worker.running


def test_a_retraction_of_another_program_that_comes_before_its_event_takes_it_back_in_the_end(
    production: Production, worker: PenchantProcess
) -> None:
    event = search("early-1", "early", "taken back")
    retraction = {
        "message_id": "early-2",
        "user_id": "early",
        "retracts": "early-1",
        "occurred_at": event["occurred_at"],
    }
    before = len(worker.journal("delivery_failed"))
    send(production, retraction)
    failure = worker.wait_for("delivery_failed", before + 1)[-1]
    send(production, event)
    wait_until(lambda: position_of(production, "early") == 2, DEADLINE_SECONDS, "both to be applied")
    state = production.states(["early"])["early"]
    assert (failure["message_id"], failure["verdict"]) == ("early-2", "later")
    assert (state.event_count, state.norm, state.embedding) == (0, 0.0, None)


def position_of(production: Production, user_id: str) -> int:
    state = production.states([user_id]).get(user_id)
    return state.applied.position if state is not None and not state.applied.missing else 0


DAMAGE: dict[str, Any] = {
    "cut-short": {"$set": {"embedding": b"\x00\x01"}},
    "of-text": {"$set": {"embedding": "red teapot"}},
    "without-norm": {"$unset": {"norm": 1}},
    "of-another-time": {"$set": {"as_of": "yesterday"}},
    "ahead": {"$set": {"position": "9"}},
    "without-write-id": {"$unset": {"write_id": 1}},
    "of-wrong-ranges": {"$set": {"missing": [[3]]}},
}


def test_a_document_that_another_program_has_damaged_is_rebuilt_and_that_is_told(
    production: Production, worker: PenchantProcess
) -> None:
    users = [f"damaged-{name}" for name in DAMAGE]
    production.record([search(f"{user}-{n}", user, f"before {n}") for user in users for n in range(3)])
    production.wait_until_counted(dict.fromkeys(users, 3))
    with production.mongodb.connect() as client:
        documents = client[production.variables["MONGODB_DATABASE"]]["user_embeddings"]
        for user, update in zip(users, DAMAGE.values(), strict=True):
            changed = documents.update_one({"_id": user}, update, bypass_document_validation=True)
            assert changed.modified_count == 1
    before = len(worker.journal("state_rebuilt"))
    production.record([search(f"{user}-after", user, "after") for user in users])
    production.wait_until_counted(dict.fromkeys(users, 4))
    told = worker.wait_for("state_rebuilt", before + len(users))[before:]
    assert sorted(line["user_id"] for line in told) == sorted(users)
    production.assert_verified(users)
