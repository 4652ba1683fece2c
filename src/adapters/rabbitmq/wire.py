"""Events as messages, and back: bodies, headers, and which of them to believe."""

import json
import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from adapters.rabbitmq.transport import Received
from application.event_message import as_message, identifier_of, parse_event, parse_time
from application.json_object import object_of
from application.ports.message_source import Arrival, Delivery
from domain.errors import InvalidValueError
from domain.interaction import Event, LoggedEvent

POSITION = "x-penchant-position"
RECORDED_AT = "x-penchant-recorded-at"
ATTEMPTS = "x-penchant-attempts"
FIRST_FAILED_AT = "x-penchant-first-failed-at"
SCHEMA_VERSION = "x-penchant-schema-version"
QUEUE = "x-penchant-queue"
ERROR_TYPE = "x-penchant-error-type"
ERROR_TEXT = "x-penchant-error-text"
LAST_FAILED_AT = "x-penchant-last-failed-at"
TRACE = "traceparent"
"""W3C's name; anybody may send it, since it decides nothing."""
_TRACE = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

VERSION = 1
"""Of the body. Whoever sends no version means this one."""


def body_of(event: Event) -> bytes:
    """The body of an event's message."""
    return json.dumps(as_message(event), ensure_ascii=False, separators=(",", ":")).encode()


def position_headers(logged: LoggedEvent) -> dict[str, Any]:
    """What says that an event is in the log."""
    headers = {POSITION: logged.position, RECORDED_AT: logged.recorded_at.isoformat()}
    return headers if logged.trace is None else {**headers, TRACE: logged.trace}


def read_delivery(
    received: Received, trusted: Container[str], tag: int, now: datetime, max_bytes: int
) -> Delivery | Arrival:
    """The event of a message, as a delivery of the log's or, where nobody vouches for a position, as an arrival.

    `trusted` are the exchanges whose messages may say positions.

    Raises InvalidValueError where there is no event in it, with the reason.
    """
    if len(received.body) > max_bytes:
        raise InvalidValueError("body", f"has {len(received.body)} bytes", f"send at most {max_bytes}")
    headers, ours = received.headers, received.exchange in trusted
    version = headers.get(SCHEMA_VERSION, VERSION)
    if version != VERSION:
        raise InvalidValueError(SCHEMA_VERSION, f"is {version!r:.40}", f"send {VERSION}, or leave it out")
    submission = parse_event(
        object_of(received.body), now=_sent_at(received, now), message_id=received.properties.get("message_id")
    )
    # Who may only publish elsewhere must not be able to wear out the retries of an event either.
    attempts = _count(headers, ATTEMPTS, 0) if ours else 0
    failed_at = parse_time(FIRST_FAILED_AT, headers[FIRST_FAILED_AT]) if ours and FIRST_FAILED_AT in headers else None
    if ours and POSITION in headers:
        logged = LoggedEvent(
            event=submission.event,
            position=_count(headers, POSITION, 1),
            recorded_at=parse_time(RECORDED_AT, headers.get(RECORDED_AT)),
            trace=_trace_in(headers),
        )
        return Delivery(logged=logged, tag=tag, attempts=attempts, first_failed_at=failed_at)
    submission = evolve(submission, trace=_trace_in(headers))
    return Arrival(submission=submission, tag=tag, attempts=attempts, first_failed_at=failed_at)


def identifier_in(message: Mapping[str, Any], field: str) -> str | None:
    """An identifier of a message that may be anything; None where there is none that can be used."""
    try:
        return identifier_of(message, field)
    except InvalidValueError:
        return None


def instant_of(timestamp: object) -> datetime | None:
    """The time of an AMQP timestamp (seconds since 1970), None where it is none."""
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # milliseconds, mostly


def _trace_in(headers: Mapping[Any, Any]) -> str | None:
    trace = headers.get(TRACE)
    return trace if isinstance(trace, str) and _TRACE.fullmatch(trace) else None


def _sent_at(received: Received, now: datetime) -> datetime:
    sent_at = instant_of(received.properties.get("timestamp"))
    return sent_at if sent_at is not None else now


def _count(headers: Mapping[Any, Any], name: str, least: int) -> int:
    count = headers.get(name, least)
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise InvalidValueError(name, f"is {count!r:.40}", f"send a whole number of at least {least}")
    return count
