"""An event as other systems send it (design: body of a message), and back."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from domain.errors import InvalidValueError
from domain.identifier import parse_identifier
from domain.instant import check_aware
from domain.interaction import Event, EventType, Interaction, Retraction

FIELDS = (
    "message_id",
    "user_id",
    "event_type",
    "product_id",
    "search_phrase",
    "occurred_at",
    "retracts",
    "user_session",
    "properties",
)

_WHOLE_AS_FLOAT = 2**53
"""Up to here a float that is whole has lost no digit: 7.0 is 7, as JSON Schema has it."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@frozen(kw_only=True)
class Submission:
    """An event somebody wants recorded. `time_given` is False where `occurred_at` was filled in on arrival."""

    event: Event
    time_given: bool = True
    trace: str | None = None
    """What it belongs to, for those who trace it: W3C's traceparent."""


def parse_event(
    message: Mapping[str, Any], *, now: datetime | None = None, message_id: str | None = None
) -> Submission:
    """Check a message and make a submission of it.

    Parameters
    ----------
    message : the fields of the message; null counts as absent.
    now, message_id : what to fill in where the message has no `occurred_at` or `message_id`; None: they are required.

    Raises
    ------
    InvalidValueError : names the first field that is wrong, and the remedy.
    """
    given = {name: value for name, value in message.items() if value is not None}
    for name in given:
        if name not in FIELDS:
            shown = ascii(str(name))[1:-1][:64]  # it may hold what no header and no database takes
            raise InvalidValueError(shown, "is not a field of an event", f"the fields are {', '.join(FIELDS)}")
    time_given = "occurred_at" in given
    occurred_at = parse_time("occurred_at", given["occurred_at"]) if time_given else now
    if occurred_at is None:
        raise InvalidValueError("occurred_at", "is missing", "send RFC 3339 such as 2026-01-31T12:00:00Z")
    common: dict[str, Any] = {
        "message_id": identifier_of(given, "message_id", message_id),
        "user_id": identifier_of(given, "user_id"),
        "occurred_at": occurred_at,
        "user_session": identifier_of(given, "user_session") if "user_session" in given else None,
        "properties": given.get("properties"),
    }
    event: Event
    if "retracts" in given:
        for name in ("event_type", "product_id", "search_phrase"):
            if name in given:
                raise InvalidValueError(name, "is set on a retraction", "send retracts alone, or an event")
        event = Retraction(retracts=identifier_of(given, "retracts"), **common)
    else:
        event = Interaction(
            event_type=parse_event_type(given.get("event_type")),
            product_id=identifier_of(given, "product_id") if "product_id" in given else None,
            search_phrase=given.get("search_phrase"),
            **common,
        )
    return Submission(event=event, time_given=time_given)


def as_message(event: Event) -> dict[str, Any]:
    """The message that `parse_event` reads back as this event."""
    values = {name: getattr(event, name, None) for name in FIELDS}
    values["occurred_at"] = event.occurred_at.isoformat().replace("+00:00", "Z")
    return {name: value for name, value in values.items() if value is not None}


def parse_event_type(raw: object) -> EventType:
    """Return `raw` as an event type, or raise InvalidValueError."""
    if raw is None:
        raise InvalidValueError("event_type", "is missing", f"send one of {', '.join(EventType)}")
    try:
        return EventType(raw)  # type: ignore[arg-type]  # anything may come; what is no type raises ValueError
    except ValueError as error:
        raise InvalidValueError("event_type", f"is {raw!r:.40}", f"send one of {', '.join(EventType)}") from error


def parse_time(field: str, raw: object) -> datetime:
    """Return RFC 3339 text with an offset as an aware datetime, or raise InvalidValueError."""
    remedy = "send RFC 3339 such as 2026-01-31T12:00:00Z"
    if not isinstance(raw, str):
        raise InvalidValueError(field, f"is {type(raw).__name__}, not a string", remedy)
    try:
        instant = datetime.fromisoformat(raw.upper())
        instant.utctimetuple()
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(field, f"is {raw[:40]!r}, not a time", remedy) from error
    check_aware(field, instant)
    if not _RFC3339.fullmatch(raw):
        raise InvalidValueError(field, f"is {raw[:40]!r}, not RFC 3339", remedy)
    return instant


def identifier_of(message: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """The identifier in a field of a message, or raise InvalidValueError."""
    raw = message.get(name, default)
    if raw is None:
        raise InvalidValueError(name, "is missing", "every event needs one")
    if isinstance(raw, float) and raw.is_integer() and abs(raw) <= _WHOLE_AS_FLOAT:
        raw = int(raw)
    return parse_identifier(name, raw)
