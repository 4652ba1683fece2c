"""Symfony Messenger on the other side of a real broker: what its JSON serializer writes is applied."""

import gzip

import pytest

from adapters.rabbitmq.topology import WORK
from tests.contract import symfony
from tests.contract.broker_house import BrokerHouse, house_fixture  # noqa: F401
from tests.contract.symfony import SymfonyMessage
from tests.integration.rabbitmq_parts import send

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("routing_key", ["", WORK], ids=["no routing key", "routing key"])
def test_its_messages_are_recorded_and_applied(house: BrokerHouse, routing_key: str) -> None:
    for message in (symfony.VIEW, symfony.SEARCH, symfony.RETRACTION):
        send(house.url, message.body, routing_key=routing_key, **message.properties)

    state = house.applied("ann", 1)

    assert (state.applied.position, state.event_count) == (3, 1)
    logged = house.logged(["order/4711-1", "s1", "r1"])
    assert logged["s1"].event.search_phrase == "thé vert 🧁"
    assert logged["order/4711-1"].event.properties == {"price": 10.0}
    assert {event.event.occurred_at.isoformat() for event in logged.values()} == {"2026-01-31T11:00:00+00:00"}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (symfony.CAMEL_CASE, "messageId is not a field of an event; the fields are message_id, user_id"),
        (symfony.EMPTY_LIST, "properties is not an object; send a JSON object"),
        (symfony.PHP_SERIALIZER, "body is not JSON in UTF-8; send one event, a JSON object"),
    ],
    ids=["camelCase", "empty list", "PHP serializer"],
)
def test_what_it_writes_with_other_settings_is_dead_with_the_reason(
    house: BrokerHouse, message: SymfonyMessage, reason: str
) -> None:
    send(house.url, message.body, message_id="it", **message.properties)

    letter = house.dead("e1" if message is symfony.EMPTY_LIST else "it")

    assert letter.error_text.startswith(reason)
    assert letter.body == message.body


def test_a_compressed_body_is_dead_and_kept_as_it_came(house: BrokerHouse) -> None:
    body = gzip.compress(symfony.VIEW.body)

    send(house.url, body, message_id="zip", content_encoding="gzip", **symfony.VIEW.properties)

    letter = house.dead("zip")
    assert (letter.error_type, letter.body) == ("InvalidValueError", body)
    assert "not JSON in UTF-8" in letter.error_text
