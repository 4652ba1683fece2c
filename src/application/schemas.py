"""JSON Schemas (2020-12) of what is sent to Penchant (`parse_event` accepts just that) and of what it publishes."""

from typing import Any

from domain.identifier import MAX_LENGTH
from domain.interaction import MAX_PHRASE_LENGTH, EventType

Schema = dict[str, Any]

TEXT_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}

IDENTIFIER: Schema = {
    "description": "1 to 128 characters, compared byte by byte, or an integer, which equals its decimal string; beyond"
    " 2^53 without point and exponent.",
    # Each keyword counts for values of its type only; generators of clients take this better than anyOf.
    "type": ["string", "integer"],
    "minLength": 1,
    "maxLength": MAX_LENGTH,
    "minimum": 1 - 10 ** (MAX_LENGTH - 1),
    "maximum": 10**MAX_LENGTH - 1,
    "examples": ["17850"],
}

_HOURS_AND_MINUTES = "([01][0-9]|2[0-3]):[0-5][0-9]"

INSTANT: Schema = {
    "description": "RFC 3339 with an offset, in the years 1 to 9999 of UTC, without leap seconds.",
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]"
    rf"{_HOURS_AND_MINUTES}:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]{_HOURS_AND_MINUTES})$",
    "examples": ["2026-01-31T12:00:00Z"],
}

OCCURRED_AT: Schema = {
    **INSTANT,
    "description": "When it happened, at most five minutes ahead of our clock; now, if left out. "
    f"{INSTANT['description']}",
}

PHRASE: Schema = {
    "description": "The words that the user searched for.",
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PHRASE_LENGTH,
    # Spelled out: languages differ in what is white space.
    "pattern": r"[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    "examples": ["red teapot"],
}

PROPERTIES: Schema = {"description": "Anything of yours, up to 16 KiB; kept in the log.", "type": "object"}


def _or_null(schema: Schema) -> Schema:
    """Absent fields may be sent as null."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*types, "null"]}


_NULL: Schema = {"type": "null"}

_ENVELOPE: dict[str, Schema] = {
    "message_id": _or_null({**IDENTIFIER, "description": "Yours: repeating it is safe."}),
    "user_id": IDENTIFIER,
    "occurred_at": _or_null(OCCURRED_AT),
    "user_session": _or_null(IDENTIFIER),
    "properties": _or_null(PROPERTIES),
}


def _event(title: str, description: str, required: tuple[str, ...], **fields: Schema) -> Schema:
    of_others = {"event_type", "product_id", "search_phrase", "retracts"} - set(fields)
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": {**_ENVELOPE, **fields, **dict.fromkeys(sorted(of_others), _NULL)},
        "required": ["user_id", *required],
        "additionalProperties": _NULL,
    }


SEARCH = _event(
    "Search",
    "A user has searched.",
    ("event_type", "search_phrase"),
    event_type={"const": EventType.SEARCH.value},
    search_phrase=PHRASE,
)

PRODUCT_EVENT = _event(
    "ProductEvent",
    "A user has viewed, clicked or bought a product.",
    ("event_type", "product_id"),
    event_type={"enum": [event_type.value for event_type in EventType if event_type is not EventType.SEARCH]},
    product_id=IDENTIFIER,
)

RETRACTION = _event(
    "Retraction",
    "An interaction is taken back.",
    ("retracts",),
    retracts={**IDENTIFIER, "description": "The message id of an interaction of the same user."},
)

EVENT: Schema = {
    "title": "Event",
    "description": "What a user did, or that it is taken back.",
    "oneOf": [SEARCH, PRODUCT_EVENT, RETRACTION],
    "examples": [
        {"user_id": "17850", "event_type": "purchase", "product_id": "85123A", "message_id": "order-1-line-1"},
        {"user_id": "17850", "event_type": "search", "search_phrase": "red teapot"},
    ],
}


def _logged(title: str, *required: str, **fields: Schema) -> Schema:
    ids = dict.fromkeys(("message_id", "user_id", "user_session"), TEXT_ID)
    return {
        "title": title,
        "type": "object",
        "properties": {**ids, "occurred_at": INSTANT, "properties": PROPERTIES, **fields},
        "required": ["message_id", "user_id", "occurred_at", *required],
    }


LOGGED_EVENT: Schema = {
    "title": "An event of the log",
    "description": "As Penchant publishes it: complete, ids as strings, absent fields left out. More fields may come.",
    "anyOf": [
        _logged(
            "A search",
            "event_type",
            "search_phrase",
            event_type=SEARCH["properties"]["event_type"],
            search_phrase=PHRASE,
        ),
        _logged(
            "A view, click or purchase",
            "event_type",
            "product_id",
            event_type=PRODUCT_EVENT["properties"]["event_type"],
            product_id=TEXT_ID,
        ),
        _logged("A retraction", "retracts", retracts=TEXT_ID),
    ],
}
