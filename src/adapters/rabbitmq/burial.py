"""Dead letters on the broker: what is published to `failed`, and how it is read back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from adapters.rabbitmq.outlet import Outgoing
from adapters.rabbitmq.transport import Received
from adapters.rabbitmq.wire import (
    ATTEMPTS,
    ERROR_TEXT,
    ERROR_TYPE,
    FIRST_FAILED_AT,
    LAST_FAILED_AT,
    QUEUE,
    identifier_in,
    instant_of,
)
from application.event_message import parse_time
from application.json_object import object_of
from application.ports.dead_letters import DeadLetter
from domain.errors import InvalidValueError

MAX_TEXT = 2_000
MAX_NAME = 64
MAX_ATTEMPTS = 1_000_000
"""Characters of an error's text that are kept: headers have to fit into one frame."""

_BY_BROKER = {
    "delivery_limit": ("DeliveryLimitReached", "The broker gave it up: it had been delivered too often without effect"),
    "expired": ("Expired", "The broker gave it up: it had waited too long"),
    "maxlen": ("QueueFull", "The broker gave it up: the queue was full"),
    "rejected": ("Rejected", "A consumer rejected it"),
}


def buried(
    received: Received,
    graveyard: str,
    queue: str,
    error: Exception | None,
    attempts: int,
    failed_first: datetime | None,
    now: datetime,
) -> Outgoing:
    """The message that puts what was received from `queue` among the dead letters, its body as it came."""
    message_id = received.properties.get("message_id")
    return Outgoing(
        exchange=graveyard,
        routing_key=graveyard,
        body=received.body,
        headers={
            QUEUE: queue,
            ERROR_TYPE: type(error).__name__,
            ERROR_TEXT: str(error)[:MAX_TEXT],
            ATTEMPTS: attempts,
            FIRST_FAILED_AT: (failed_first if failed_first is not None else now).isoformat(),
            LAST_FAILED_AT: now.isoformat(),
        },
        message_id=message_id if isinstance(message_id, str) else None,
    )


def read_letter(received: Received, queue: str, now: datetime, max_bytes: int) -> DeadLetter:
    """A dead letter, whoever made it: we, the broker, or somebody who says nothing about it."""
    message_id, user_id = _names_in(received, max_bytes)
    if isinstance(received.headers.get(ERROR_TYPE), str):
        told = _told_by_us(received.headers, queue, now)
    elif deaths := _deaths_in(received.headers):
        told = _told_by_broker(received.headers, deaths, queue, now)
    else:
        sent_at = instant_of(received.properties.get("timestamp"))
        at = sent_at if sent_at is not None else now
        told = _told(queue, "Unknown", f"It came to the queue {queue!r} without a reason.", 0, at, at)
    return DeadLetter(message_id=message_id, user_id=user_id, body=received.body, **told)


def merely_dropped(received: Received) -> bool:
    """Whether the broker dropped it from a queue that was full, or where it had waited too long."""
    if isinstance(received.headers.get(ERROR_TYPE), str):
        return False
    return any(death.get("reason") in ("expired", "maxlen") for death in _deaths_in(received.headers)[:1])


def _names_in(received: Received, max_bytes: int) -> tuple[str, str | None]:
    message: Mapping[str, Any] = {}
    if len(received.body) <= max_bytes:
        try:
            message = object_of(received.body)
        except InvalidValueError:
            message = {}
    message_id = identifier_in(message, "message_id") or identifier_in(received.properties, "message_id")
    if message_id is None:
        message_id = f"body-{sha256(received.body).hexdigest()[:32]}"
    return message_id, identifier_in(message, "user_id")


def _told_by_us(headers: Mapping[Any, Any], queue: str, now: datetime) -> dict[str, Any]:
    attempts = headers.get(ATTEMPTS)
    return _told(
        headers[QUEUE] if isinstance(headers.get(QUEUE), str) else queue,
        headers[ERROR_TYPE],
        str(headers.get(ERROR_TEXT, "")),
        attempts if isinstance(attempts, int) else 0,
        _time_in(headers, FIRST_FAILED_AT, now),
        _time_in(headers, LAST_FAILED_AT, now),
    )


def _told_by_broker(
    headers: Mapping[Any, Any], deaths: list[Mapping[str, Any]], queue: str, now: datetime
) -> dict[str, Any]:
    last = deaths[0]  # the broker puts the latest first
    reason = str(last.get("reason"))
    kind, text = _BY_BROKER.get(reason, ("GivenUpByBroker", "The broker gave it up"))
    source = last["queue"] if isinstance(last.get("queue"), str) else queue
    deliveries = headers.get("x-delivery-count", last.get("count"))
    return _told(
        source,
        kind,
        f"{text} ({reason}, queue {source!r}).",
        deliveries if isinstance(deliveries, int) else 0,
        _time_of(deaths[-1], now),
        _time_of(last, now),
    )


def _told(queue: str, kind: str, text: str, attempts: int, first: datetime, last: datetime) -> dict[str, Any]:
    # Headers are whatever somebody put there: what no database takes is made harmless, or it would come for ever.
    return {
        "queue": _storable(queue)[:MAX_NAME],
        "error_type": _storable(kind)[:MAX_NAME],
        "error_text": _storable(text)[:MAX_TEXT],
        "attempts": min(max(attempts, 0), MAX_ATTEMPTS),
        "first_failed_at": first,
        "last_failed_at": last,
    }


def _storable(text: str) -> str:
    """The text in valid Unicode."""
    return text.encode(errors="replace").decode()


def _deaths_in(headers: Mapping[Any, Any]) -> list[Mapping[str, Any]]:
    deaths = headers.get("x-death")
    return [death for death in deaths if isinstance(death, dict)] if isinstance(deaths, list) else []


def _time_in(headers: Mapping[Any, Any], name: str, now: datetime) -> datetime:
    try:
        return parse_time(name, headers.get(name))
    except InvalidValueError:
        return now


def _time_of(death: Mapping[str, Any], now: datetime) -> datetime:
    time = death.get("time")
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else now
