"""JSON Schemas (2020-12) of what is sent to Penchant; `parse_event` accepts just what they describe."""

from typing import Any

from domain.identifier import MAX_LENGTH
from domain.interaction import MAX_PHRASE_LENGTH, EventType

Schema = dict[str, Any]

_LARGEST = 10**MAX_LENGTH - 1

IDENTIFIER: Schema = {
    "description": "1 to 128 characters, compared byte by byte, or an integer, which equals its decimal string.",
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
        {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST},
    ],
    "examples": ["17850"],
}

INSTANT: Schema = {
    "description": "RFC 3339 with an offset; at most five minutes ahead of our clock.",
    "type": "string",
    "format": "date-time",
    "examples": ["2026-01-31T12:00:00Z"],
}

PHRASE: Schema = {
    "description": "The words that the user searched for.",
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PHRASE_LENGTH,
    "pattern": r"\S",
    "examples": ["red teapot"],
}

PROPERTIES: Schema = {"description": "Anything of yours, up to 16 KiB; kept in the log.", "type": "object"}


def _or_null(schema: Schema) -> Schema:
    """Absent fields may be sent as null."""
    return {"anyOf": [schema, {"type": "null"}]}


_NULL: Schema = {"type": "null"}

_ENVELOPE: dict[str, Schema] = {
    "message_id": _or_null({**IDENTIFIER, "description": "Yours: repeating it is safe."}),
    "user_id": IDENTIFIER,
    "occurred_at": _or_null(INSTANT),
    "user_session": _or_null(IDENTIFIER),
    "properties": _or_null(PROPERTIES),
}


def _event(title: str, required: tuple[str, ...], **fields: Schema) -> Schema:
    of_others = {"event_type", "product_id", "search_phrase", "retracts"} - set(fields)
    return {
        "title": title,
        "type": "object",
        "properties": {**_ENVELOPE, **fields, **dict.fromkeys(sorted(of_others), _NULL)},
        "required": ["user_id", *required],
        "additionalProperties": False,
    }


SEARCH = _event(
    "A search",
    ("event_type", "search_phrase"),
    event_type={"const": EventType.SEARCH.value},
    search_phrase=PHRASE,
)

PRODUCT_EVENT = _event(
    "A view, click or purchase",
    ("event_type", "product_id"),
    event_type={"enum": [event_type.value for event_type in EventType if event_type is not EventType.SEARCH]},
    product_id=IDENTIFIER,
)

RETRACTION = _event(
    "A retraction",
    ("retracts",),
    retracts={**IDENTIFIER, "description": "The message id of an interaction of the same user."},
)

EVENT: Schema = {
    "title": "An event",
    "description": "What a user did, or that it is taken back.",
    "oneOf": [SEARCH, PRODUCT_EVENT, RETRACTION],
    "examples": [
        {"user_id": "17850", "event_type": "purchase", "product_id": "85123A", "message_id": "order-1-line-1"},
        {"user_id": "17850", "event_type": "search", "search_phrase": "red teapot"},
    ],
}
