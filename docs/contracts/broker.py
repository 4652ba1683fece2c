"""The AsyncAPI document, from the topology and the headers of messages."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from adapters.rabbitmq import wire
from adapters.rabbitmq.topology import (
    DEAD_EVENTS,
    DEAD_EVENTS_QUEUE,
    EVENTS,
    FAILED,
    PURCHASES,
    RETRY,
    ROUTING_KEY,
    WORK,
    Queue,
    Topology,
)
from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE
from application.schemas import EVENT, INSTANT, LOGGED_EVENT

Part = dict[str, Any]

TOPOLOGY = Topology(purchases_first=True, fan_out=(GRAPH_QUEUE, INDEX_QUEUE))
"""With everything that there can be."""

_BINDING = {"bindingVersion": "0.3.0"}
_COUNT: Part = {"type": "integer", "minimum": 0}
_TEXT: Part = {"type": "string"}

_LOGGED_HEADERS: Part = {
    wire.POSITION: {"description": "Of the event among those of its user: 1, 2, 3, …", "type": "integer", "minimum": 1},
    wire.RECORDED_AT: {**INSTANT, "description": "When the event came into the log."},
}
_RETRY_HEADERS: Part = {
    wire.ATTEMPTS: {**_COUNT, "description": "How often it has failed."},
    wire.FIRST_FAILED_AT: {**INSTANT, "description": "When it failed first."},
}
_DEATH_HEADERS: Part = {
    wire.QUEUE: {**_TEXT, "description": "The queue that it came from."},
    wire.ERROR_TYPE: {**_TEXT, "description": "What kind of error it died of."},
    wire.ERROR_TEXT: {**_TEXT, "description": "What was wrong, and what to do."},
    **_RETRY_HEADERS,
    wire.LAST_FAILED_AT: {**INSTANT, "description": "When it was given up."},
}
_VERSION_HEADER: Part = {
    wire.SCHEMA_VERSION: {
        "description": "The version of the body; without it, 1. A message of another version is refused.",
        "const": wire.VERSION,
    }
}


def asyncapi() -> Mapping[str, Any]:
    """What goes over the broker."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penchant on the broker",
            "version": version("penchant"),
            "description": "Events in, events out, retries and dead letters, on RabbitMQ (AMQP 0-9-1).",
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "variables": {"host": {"default": "localhost:5672", "description": "As in RABBITMQ_DSN."}},
            }
        },
        "channels": {**_exchanges(), **_queues()},
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": {"Event": EVENT, "LoggedEvent": LOGGED_EVENT},
        },
    }


def _messages() -> Part:
    return {
        "event": _message(
            "An event of another program. The body may leave out message_id and occurred_at where the properties"
            " message_id and timestamp (seconds) say them. Other headers and properties are not looked at; the body is"
            " JSON in UTF-8 without compression, whatever the properties say.",
            _ref("schemas", "Event"),
            _object(_VERSION_HEADER),
        ),
        "loggedEvent": _message(
            "An event of the log. The property message_id is set too, where it has 255 bytes at the most.",
            _ref("schemas", "LoggedEvent"),
            _object(_LOGGED_HEADERS, required=_LOGGED_HEADERS),
        ),
        "retriedEvent": _message(
            "An event that failed, its body as it came. Without a position it is not in the log yet.",
            _ref("schemas", "Event"),
            _object({**_LOGGED_HEADERS, **_RETRY_HEADERS}, required=[wire.ATTEMPTS]),
        ),
        "deadLetter": _message(
            "What was given up, its body as it came, even if it is no JSON. The broker's own dead letters come without"
            " these headers, with x-death.",
            {},
            _object(_DEATH_HEADERS, required=_DEATH_HEADERS),
        ),
    }


def _exchanges() -> Part:
    keys = {
        FAILED: FAILED,
        DEAD_EVENTS: DEAD_EVENTS,
        EVENTS: ROUTING_KEY,
        WORK: WORK,
        PURCHASES: PURCHASES,
        **{subscription.retry_exchange: subscription.queue for subscription in TOPOLOGY.subscriptions},
    }
    carried = {
        FAILED: ("deadLetter",),
        DEAD_EVENTS: ("deadLetter",),
        EVENTS: ("loggedEvent",),
        WORK: ("event",),
        **{subscription.retry_exchange: ("retriedEvent",) for subscription in TOPOLOGY.subscriptions},
        PURCHASES: ("loggedEvent",),
    }
    return {
        _exchange(exchange.name): {
            "address": keys[exchange.name],
            "description": f"The exchange {exchange.name}.",
            "messages": _refs(carried[exchange.name]),
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": exchange.name, "type": exchange.type, "durable": True, "autoDelete": False},
                    **_BINDING,
                }
            },
            "x-bound-queues": sorted({bound.queue for bound in _bindings() if bound.exchange == exchange.name}),
        }
        for exchange in TOPOLOGY.exchanges("fanout")
    }


def _queues() -> Part:
    carried = {
        FAILED: ("deadLetter",),
        DEAD_EVENTS_QUEUE: ("deadLetter",),
        WORK: ("event", "loggedEvent", "retriedEvent"),
        PURCHASES: ("loggedEvent",),
        **dict.fromkeys(TOPOLOGY.fan_out, ("loggedEvent", "retriedEvent")),
    }
    return {
        f"{queue.name}.queue": _queue(queue, carried.get(queue.name, ("retriedEvent",)))
        for queue in (*TOPOLOGY.queues(), *TOPOLOGY.delay_queues())
    }


def _queue(queue: Queue, messages: Iterable[str]) -> Part:
    return {
        "address": queue.name,
        "description": f"The queue {queue.name}.",
        "messages": _refs(messages),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False},
                **_BINDING,
            }
        },
        "x-queue-arguments": dict(queue.arguments),
    }


def _operations() -> Part:
    return {
        "recordEvents": _operation("receive", f"{WORK}.queue", "Others' events are recorded, and then applied."),
        "publishEvents": _operation("send", _exchange(EVENTS), "Each event of the log is published once or more."),
        "publishPurchases": _operation(
            "send", _exchange(PURCHASES), "Purchases besides, with PENCHANT_PURCHASES_FIRST=true."
        ),
        "retryEvents": _operation("send", _exchange(RETRY), "What failed waits in a queue, and comes again."),
        "buryMessages": _operation("send", _exchange(FAILED), "What is given up."),
        "keepGraph": _operation(
            "receive", f"{GRAPH_QUEUE}.queue", "Each event is added to the graph, where there is one."
        ),
        "retryGraph": _operation(
            "send", _exchange(f"{GRAPH_QUEUE}.retry"), "What failed there waits, and comes again."
        ),
        "keepIndex": _operation(
            "receive",
            f"{INDEX_QUEUE}.queue",
            "Each event has its user's point brought to the stored embedding, where there is an index.",
        ),
        "retryIndex": _operation(
            "send", _exchange(f"{INDEX_QUEUE}.retry"), "What failed there waits, and comes again."
        ),
        "buryOfOthers": _operation("send", _exchange(DEAD_EVENTS), "What the other consumers give up."),
        "collectDeadLettersOfOthers": _operation(
            "receive", f"{DEAD_EVENTS_QUEUE}.queue", "Taken into the same table; what was only dropped is forgotten."
        ),
        "collectDeadLetters": _operation("receive", f"{FAILED}.queue", "Dead letters are taken into a table."),
    }


def _operation(action: str, channel: str, summary: str) -> Part:
    return {"action": action, "channel": {"$ref": f"#/channels/{_escaped(channel)}"}, "summary": summary}


def _message(summary: str, payload: Part, headers: Part) -> Part:
    return {
        "summary": summary,
        "contentType": "application/json",
        "headers": headers,
        "payload": payload,
        "bindings": {"amqp": {"contentEncoding": "utf-8", **_BINDING}},
    }


def _object(properties: Part, required: Iterable[str] = ()) -> Part:
    return {"type": "object", "properties": properties, "required": list(required)}


def _refs(messages: Iterable[str]) -> Part:
    return {name: _ref("messages", name) for name in messages}


def _ref(kind: str, name: str) -> Part:
    return {"$ref": f"#/components/{kind}/{name}"}


def _exchange(name: str) -> str:
    return f"{name}.exchange"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _bindings() -> Any:
    return (*TOPOLOGY.bindings(), *TOPOLOGY.delay_bindings())
