"""Node's amqplib on the other side of a real broker: what it sends is applied, what is published it can read."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.rabbitmq.topology import WORK
from docs.contracts.documents import FOLDER
from tests.contract.broker_house import BrokerHouse, broker_house, house_fixture  # noqa: F401
from tests.contract.node import TIMEOUT_SECONDS, Node

pytestmark = pytest.mark.slow

VIEW = {"message_id": "n1", "user_id": "ann", "event_type": "view", "product_id": "tea"}
SEARCH = {"message_id": "n2", "user_id": "ann", "event_type": "search", "search_phrase": "thé vert 🧁"}
RETRACTION = {"message_id": "n3", "user_id": "ann", "retracts": "n1", "properties": {"reason": [1, None, 1.5]}}
TIME = {"occurred_at": "2026-01-31T12:00:00.123456+01:00"}


def message(body: Mapping[str, Any], exchange: str = WORK, routing_key: str = WORK, **options: Any) -> str:
    """A line for publish.cjs."""
    raw = b64encode(json.dumps(body).encode()).decode()
    return json.dumps({"exchange": exchange, "routingKey": routing_key, "body": raw, "options": options}) + "\n"


def test_events_that_node_publishes_are_recorded_and_applied(house: BrokerHouse, node: Node) -> None:
    sent = [
        message(VIEW | TIME),
        message(SEARCH | TIME, contentType="application/json", persistent=True),
        message({"user_id": "ann", "event_type": "click", "product_id": 7}, messageId="n4", timestamp=1_769_860_800),
        message(RETRACTION | TIME, headers={"x-penchant-schema-version": 1}),
    ]

    assert node.run("publish.cjs", house.url, stdin="".join(sent)) == ""

    state = house.applied("ann", 2)
    assert state.applied.position == 4
    logged = house.logged(["n2", "n4"])
    assert logged["n2"].event.search_phrase == SEARCH["search_phrase"]
    assert (logged["n4"].event.product_id, logged["n4"].event.occurred_at.timestamp()) == ("7", 1_769_860_800)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"trace": "1", "nested": {"a": [1, 2, {"b": None}]}, "flag": True, "rate": 0.5}},
        {
            "contentType": "text/plain",
            "contentEncoding": "utf-8",
            "type": "whatever",
            "appId": "shop",
            "userId": "tests",
        },
        {"priority": 3, "replyTo": "nowhere", "correlationId": "c1", "expiration": "600000", "persistent": False},
    ],
    ids=["headers", "text", "properties"],
)
def test_headers_and_properties_that_nobody_knows_change_nothing(
    house: BrokerHouse,
    node: Node,
    options: dict[str, Any],
) -> None:
    assert node.run("publish.cjs", house.url, stdin=message(VIEW | TIME, **options)) == ""

    assert house.applied("ann", 1).event_count == 1


def test_what_is_published_is_read_by_node_and_keeps_to_the_contract(house: BrokerHouse, node: Node) -> None:
    with _consuming(node, house.url, count=3) as messages:
        house.publish(VIEW | TIME, SEARCH | TIME, RETRACTION | TIME)
        received = [next(messages) for _ in range(3)]

    assert [(one["body"]["message_id"], one["errors"]) for one in received] == [("n1", []), ("n2", []), ("n3", [])]
    assert received[1]["body"] == SEARCH | {"occurred_at": "2026-01-31T11:00:00.123456Z"}
    first = received[0]
    assert (first["fields"]["exchange"], first["fields"]["routingKey"]) == ("events", "user.event")
    properties = first["properties"]
    assert (properties["contentType"], properties["contentEncoding"]) == ("application/json", "utf-8")
    assert (properties["messageId"], properties["deliveryMode"]) == ("n1", 2)
    assert properties["headers"]["x-penchant-position"] == 1


def test_node_finds_what_does_not_keep_to_the_contract(house: BrokerHouse, node: Node) -> None:
    with _consuming(node, house.url, count=1) as messages:
        node.run("publish.cjs", house.url, stdin=message(VIEW, exchange="events", routing_key="user.event"))
        [received] = [next(messages)]

    assert any("occurred_at" in error["message"] for error in received["errors"])


def test_a_program_that_declares_the_queue_by_itself_is_refused_with_the_reason(
    house: BrokerHouse,
    node: Node,
) -> None:
    printed = node.run("publish.cjs", house.url, WORK, stdin=message(VIEW | TIME))

    said, _ = map(json.loads, printed.splitlines())
    assert said["code"] == 406
    assert "PRECONDITION_FAILED" in said["message"]


def test_on_classic_queues_it_may_declare_the_queue_as_amqplib_shows(
    tmp_path: Path, rabbitmq_url: str, node: Node
) -> None:
    with broker_house(tmp_path, rabbitmq_url, PENCHANT_QUEUE_TYPE="classic") as classic:
        sent = message(VIEW | TIME, exchange="", routing_key=WORK)

        assert node.run("publish.cjs", classic.url, WORK, stdin=sent) == ""

        assert classic.applied("ann", 1).event_count == 1


@contextmanager
def _consuming(node: Node, url: str, count: int) -> Iterator[Iterator[Any]]:
    """What consume.cjs prints of each message, once it listens; it has to end by itself after so many."""
    command = node.command("consume.cjs", url, str(FOLDER / "logged-event.schema.json"), str(count))
    with subprocess.Popen(command, env=node.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        messages = map(json.loads, process.stdout)
        try:
            assert next(messages) == {"listening": True}
            yield messages
            assert process.wait(TIMEOUT_SECONDS) == 0
        finally:
            process.kill()
