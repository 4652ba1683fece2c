"""What other programs put on the queue: events, mistakes and forgeries."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import amqp
import pytest

from adapters.rabbitmq.topology import WORK
from application.ports.message_source import Arrival, Delivery
from tests.builders import logged, searched
from tests.contract.receiving import applied, dead, ids, later
from tests.integration.rabbitmq_parts import (
    VIEW,
    RabbitmqParts,
    other_program,
    parts_fixture,  # noqa: F401
    receive,
    send,
)
from tests.services import RabbitmqServer

FORGED = {"x-penchant-position": 1, "x-penchant-recorded-at": "2026-03-01T12:00:00+00:00", "x-penchant-attempts": 99}


def _body(**fields: Any) -> bytes:
    return json.dumps({**VIEW, **fields}).encode()


def _marked(parts: RabbitmqParts) -> None:
    parts.publisher().publish([logged(searched("the last one"), 1)])


@pytest.mark.parametrize(
    ("body", "properties", "reason"),
    [
        (b"\xff\x00 not JSON", {}, "body is not JSON in UTF-8"),
        (b"", {}, "body is empty; send one event"),
        (b"[" * 100_000, {}, "body is not JSON in UTF-8"),
        (b'{"user_id": ' + b"9" * 5_000 + b"}", {}, "body is not JSON in UTF-8"),
        (b"[1, 2]", {}, "body is a list; send one event"),
        (b" " * 10_000_000, {}, "body has 10000000 bytes; send at most 1048576"),
        (_body(user_id=True), {}, "user_id is bool, not a string"),
        (_body(event_type=["view"]), {}, "event_type is \\['view'\\]"),
        (_body(search_phrase=7), {}, "search_phrase is set on a view"),
        (_body(colour="red"), {}, "colour is not a field of an event"),
        (_body(occurred_at="yesterday"), {}, "occurred_at is 'yesterday'"),
        (_body(message_id=None), {}, "message_id is missing"),
        (_body(user_id="\ud800"), {}, "user_id has half of a surrogate pair"),
        (_body(), {"application_headers": {"x-penchant-schema-version": 0}}, "x-penchant-schema-version is 0; send 1"),
        (_body(), {"application_headers": {"x-penchant-schema-version": "one"}}, "x-penchant-schema-version is 'one'"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_no_event_is_dead_at_once_with_its_reason(
    parts: RabbitmqParts, body: bytes, properties: dict[str, Any], reason: str
) -> None:
    send(parts.url, body, **properties)
    _marked(parts)

    deliveries = receive(parts.source(), 1)

    assert ids(deliveries) == ["the last one"]
    [letter] = parts.dead(1)
    assert letter.body == body
    assert (letter.queue, letter.error_type, letter.attempts) == (WORK, "InvalidValueError", 0)
    assert re.search(reason, letter.error_text)


def test_an_unreadable_message_among_good_ones_holds_up_none_of_them(parts: RabbitmqParts) -> None:
    for number in range(50):
        send(parts.url, b"poison" if number == 20 else _body(message_id=f"m{number}"))
    source = parts.source()

    deliveries = receive(source, 49)
    source.settle(applied(deliveries))

    assert ids(deliveries) == [f"m{number}" for number in range(50) if number != 20]
    assert [letter.body for letter in parts.dead(1)] == [b"poison"]


def test_an_event_of_another_program_is_an_arrival(parts: RabbitmqParts) -> None:
    send(parts.url, _body(product_id=7), routing_key="")

    [arrival] = receive(parts.source(), 1)

    assert isinstance(arrival, Arrival)
    assert (arrival.submission.event.product_id, arrival.submission.time_given) == ("7", True)
    assert (arrival.attempts, arrival.first_failed_at) == (0, None)


def test_a_message_of_symfony_messenger_is_an_arrival(parts: RabbitmqParts) -> None:
    envelope = {"type": "App\\Message\\ProductViewed", "X-Message-Stamp-Symfony\\Component\\BusNameStamp": "[]"}

    send(parts.url, _body(), application_headers=envelope, content_type="application/json", content_encoding="utf-8")

    assert ids(receive(parts.source(), 1)) == ["m1"]


def test_message_id_and_time_are_taken_from_the_properties_where_the_body_has_none(parts: RabbitmqParts) -> None:
    sent_at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    body = _body(message_id=None, occurred_at=None)

    send(parts.url, body, message_id="from-properties", timestamp=int(sent_at.timestamp()))

    [arrival] = receive(parts.source(), 1)
    assert isinstance(arrival, Arrival)
    event = arrival.submission.event
    assert (event.message_id, event.occurred_at, arrival.submission.time_given) == ("from-properties", sent_at, False)


@pytest.mark.parametrize("timestamp", [1_767_225_600_000, 2**63 - 1], ids=["milliseconds", "absurd"])
def test_a_timestamp_that_is_none_counts_as_missing(parts: RabbitmqParts, timestamp: int) -> None:
    before = datetime.now(UTC)

    send(parts.url, _body(occurred_at=None), timestamp=timestamp, application_headers={"at": timestamp})

    [arrival] = receive(parts.source(), 1)
    assert isinstance(arrival, Arrival)
    assert before <= arrival.submission.event.occurred_at <= datetime.now(UTC)


def test_headers_that_cannot_be_parsed_do_not_cost_the_connection(parts: RabbitmqParts) -> None:
    unparsable = _Headers(b"T" + (2**62).to_bytes(8, "big"))

    with other_program(parts.url) as channel:
        message = amqp.Message(_body())
        message._serialize_properties = unparsable.properties
        channel.basic_publish(message, exchange=WORK, routing_key=WORK)

    assert ids(receive(parts.source(), 1)) == ["m1"]


def test_an_arrival_that_failed_comes_back_as_an_arrival_and_is_dead_after_the_last_retry(
    parts: RabbitmqParts,
) -> None:
    body = _body(occurred_at=None)
    send(parts.url, body, application_headers=FORGED, timestamp=1_767_225_600)
    source = parts.source()

    seen = []
    for _ in range(parts.topology.retry.max_retries + 1):
        [arrival] = receive(source, 1)
        assert isinstance(arrival, Arrival)
        seen.append((arrival.attempts, arrival.submission.event.occurred_at, arrival.submission.time_given))
        source.settle(later([arrival], "away"))

    sent_at = datetime.fromtimestamp(1_767_225_600, UTC)
    assert seen == [(0, sent_at, False), (1, sent_at, False), (2, sent_at, False)]
    [letter] = parts.dead(1)
    assert (letter.message_id, letter.body, letter.attempts, letter.error_text) == ("m1", body, 3, "away")


def test_positions_forged_by_a_program_that_may_only_publish_to_its_own_exchange_are_ignored(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    with rabbitmq_server.user(parts.url, write=f"^{WORK}$") as url:
        send(url, _body(), application_headers=FORGED)
        for exchange, key in (("events", "user.event"), (f"{WORK}.retry", WORK), ("", WORK)):
            with pytest.raises(amqp.AccessRefused):
                send(url, _body(message_id="m2"), exchange=exchange, routing_key=key, application_headers=FORGED)
    _marked(parts)

    forged, last = receive(parts.source(), 2)

    assert isinstance(forged, Arrival)
    assert (forged.submission.event.message_id, forged.attempts) == ("m1", 0)
    assert isinstance(last, Delivery)


def test_positions_in_what_comes_through_the_default_exchange_are_ignored(parts: RabbitmqParts) -> None:
    send(parts.url, _body(), exchange="", routing_key=WORK, application_headers=FORGED)

    assert isinstance(receive(parts.source(), 1)[0], Arrival)


def test_a_dead_arrival_keeps_its_body_to_the_byte(parts: RabbitmqParts) -> None:
    body = b'{ "product_id" : "tea", ' + _body()[1:]
    send(parts.url, body)
    source = parts.source()

    source.settle(dead(receive(source, 1)))

    [letter] = parts.dead(1)
    assert (letter.body, letter.user_id) == (body, "ann")


class _Headers:
    """Properties with one header of these bytes: type and value."""

    def __init__(self, value: bytes) -> None:
        self._table = b"\x02at" + value

    def properties(self) -> bytes:
        only_headers = (0x2000).to_bytes(2, "big")
        return only_headers + len(self._table).to_bytes(4, "big") + self._table
