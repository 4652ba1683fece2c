"""What requests and answers look like, for the OpenAPI document."""

from typing import Any

from fastapi.responses import PlainTextResponse

from application import schemas as messages
from application.schemas import EVENT, IDENTIFIER, INSTANT, PHRASE, Schema
from domain.identifier import MAX_LENGTH

__all__ = ["EVENT"]

MAX_BATCH_KEY = MAX_LENGTH - len("-999")

ENVELOPE = ("message_id", "occurred_at", "user_session", "properties")
"""Fields of an event whose user and subject the path says."""

ENVELOPE_SCHEMA: Schema = {
    "title": "The rest of an event",
    "type": "object",
    "properties": {name: messages.PRODUCT_EVENT["properties"][name] for name in ENVELOPE},
    "additionalProperties": False,
}

QUERY: Schema = {
    "title": "A search of the user that the path names",
    "type": "object",
    "properties": {"query": PHRASE, **ENVELOPE_SCHEMA["properties"]},
    "required": ["query"],
    "additionalProperties": False,
}

BATCH: Schema = {"title": "Events", "type": "array", "items": {}, "minItems": 1, "maxItems": 1_000}
"""Its items are events; one that is none fails alone, so anything may stand there."""

PROBLEM: Schema = {
    "title": "A problem (RFC 9457)",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "remedy": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}

QUEUED: Schema = {
    "title": "An event is durable",
    "type": "object",
    "properties": {"status": {"const": "Event queued"}, "message_id": {"type": "string"}},
    "required": ["status", "message_id"],
    "additionalProperties": False,
}

BATCH_RESULT: Schema = {
    "title": "What became of each event",
    "type": "object",
    "properties": {
        "status": {"const": "Events queued"},
        "accepted": {"type": "integer", "minimum": 0},
        "refused": {"type": "integer", "minimum": 0},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "message_id": {"type": ["string", "null"]},
                    "status": {"enum": ["recorded", "repeated", "refused"]},
                    "error": PROBLEM,
                },
                "required": ["message_id", "status"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["status", "accepted", "refused", "results"],
    "additionalProperties": False,
}

_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}


def _object(title: str, **properties: Schema) -> Schema:
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EMBEDDING = _object(
    "What a user is into",
    user_id=_TEXT,
    embedding={
        "description": "Of unit length, ready for a dot product; null where no event is live or all cancel out.",
        "anyOf": [{"type": "array", "items": _NUMBER}, {"type": "null"}],
    },
    dimensions=_COUNT,
    model=_TEXT,
    recipe=_TEXT,
    norm=_NUMBER,
    weight=_NUMBER,
    focus={**_NUMBER, "minimum": 0, "maximum": 1, "description": "How much the events agree."},
    as_of={**INSTANT, "type": ["string", "null"], "description": "When norm and weight are written down."},
    event_count={**_COUNT, "description": "Live events."},
    position={**_COUNT, "description": "The highest position that is applied."},
    version={**_COUNT, "description": "Counts writes; 0 where it is folded for `at`."},
    last_updated={**INSTANT, "type": ["string", "null"]},
)

RECOMMENDATIONS = _object(
    "Products near to what a user is into",
    user_id=_TEXT,
    recommendations={
        "type": "array",
        "items": _object("A product", product_id=_TEXT, text=_TEXT, similarity=_NUMBER),
    },
)

EXPLANATION = _object(
    "Why an embedding is what it is",
    user_id=_TEXT,
    events={
        "type": "array",
        "items": _object(
            "A live event",
            message_id=_TEXT,
            event_type=_TEXT,
            product_id={"type": ["string", "null"]},
            search_phrase={"type": ["string", "null"]},
            text=_TEXT,
            occurred_at=INSTANT,
            weight=_NUMBER,
            share=_NUMBER,
        ),
    },
)

STATUS = _object("A status", status=_TEXT)

READINESS = _object(
    "Whether requests can be served",
    status={"enum": ["ready", "not ready"]},
    parts={
        "type": "array",
        "items": _object("A part", part=_TEXT, health={"enum": ["ok", "warning", "failed"]}),
    },
)

QUEUES = _object(
    "The broker's queues",
    status=_TEXT,
    queues={
        "type": "object",
        "additionalProperties": _object("A queue", messages=_COUNT, consumers=_COUNT),
    },
)

COMPONENTS: dict[str, Schema] = {
    "Event": EVENT,
    "Batch": BATCH,
    "Query": QUERY,
    "Envelope": ENVELOPE_SCHEMA,
    "Queued": QUEUED,
    "BatchResult": BATCH_RESULT,
    "Problem": PROBLEM,
    "Embedding": EMBEDDING,
    "Recommendations": RECOMMENDATIONS,
    "Explanation": EXPLANATION,
    "Status": STATUS,
    "Readiness": READINESS,
    "Queues": QUEUES,
    "Identifier": IDENTIFIER,
}
"""By their names in the OpenAPI document."""

SECURITY_SCHEMES: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""The ways to show a key."""

_OF_INGEST = {400: "It is malformed.", 404: "Unknown event.", 408: "Too slow.", 409: "Conflict.", 413: "Too large."}
_OF_INGEST |= {415: "Not JSON.", 422: "A value cannot be accepted."}
_OF_ALL = {401: "No key.", 403: "Not with this key.", 429: "Too many.", 503: "Out of reach; see Retry-After."}


def _key_parameter(longest: int) -> Schema:
    """A header that the routes read themselves, as they do bodies: FastAPI took a third of the time for both."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The message id, or what the ids of a batch begin with: repeating the request is safe.",
        "schema": {"type": "string", "minLength": 1, "maxLength": longest},
    }


def accepts(body: Schema, answer: Schema, *, body_required: bool = True) -> dict[str, Any]:
    """FastAPI's arguments for a route that takes JSON and answers 202."""
    return {
        "status_code": 202,
        "response_model": None,
        "responses": {202: _content(answer, "Durable."), **_problems(_OF_INGEST | _OF_ALL)},
        "openapi_extra": {
            "parameters": [_key_parameter(MAX_BATCH_KEY if answer is BATCH_RESULT else MAX_LENGTH)],
            "requestBody": {"required": body_required, "content": {"application/json": {"schema": _ref(body)}}},
        },
    }


def returns(answer: Schema, *statuses: int) -> dict[str, Any]:
    """FastAPI's arguments for a route behind the gate that answers 200."""
    some = {404: "Unknown user.", 422: "A value cannot be accepted."}
    problems = {status: some[status] for status in statuses}
    return {
        "response_model": None,
        "responses": {200: _content(answer, "Found."), **_problems(problems | _OF_ALL)},
    }


def returns_metrics() -> dict[str, Any]:
    """FastAPI's arguments for the route that Prometheus reads."""
    text = {"description": "As Prometheus reads it.", "content": {"text/plain": {"schema": _TEXT}}}
    return {"response_model": None, "response_class": PlainTextResponse, "responses": {200: text, **_problems(_OF_ALL)}}


def probes(answer: Schema) -> dict[str, Any]:
    """FastAPI's arguments for a route that everybody may ask, and whose answer looks the same while it says no."""
    responses: dict[int | str, Any] = {200: _content(answer, "Well."), 503: _content(answer, "Not well.")}
    return {"response_model": None, "responses": responses}


def _problems(statuses: dict[int, str]) -> dict[int | str, Any]:
    return {
        status: {"description": text, "content": {"application/problem+json": {"schema": _ref(PROBLEM)}}}
        for status, text in sorted(statuses.items())
    }


def _content(schema: Schema, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(schema: Schema) -> Schema:
    name = next(name for name, known in COMPONENTS.items() if known is schema)
    return {"$ref": f"#/components/schemas/{name}"}
