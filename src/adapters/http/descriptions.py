"""What the OpenAPI document says of each route beside its path: bodies, answers, refusals, keys."""

from typing import Any

from fastapi.responses import PlainTextResponse

from adapters.http.schemas import BATCH_RESULT, MAX_BATCH_KEY, PROBLEM, TEXT, reference_to
from application.schemas import Schema
from domain.identifier import MAX_LENGTH

SECURITY_SCHEMES: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""The ways to show a key."""

_OF_ALL = {
    400: "No whole HTTP request.",
    408: "Too slow.",
    421: "Not for another machine: no keys are set.",
    431: "Too large headers.",
    500: "A fault of Penchant.",
    503: "Out of reach, or too much to do; see Retry-After.",
}
"""Refusals by their status, wherever a request goes."""

_GUARDED = {401: "No key.", 403: "Not with this key.", 422: "A value that cannot be.", 429: "Too many."}
_OF_INGEST = {
    400: "No whole HTTP request, or two ids that differ.",
    404: "Unknown event.",
    409: "Conflict.",
    413: "Too large.",
    415: "Not JSON, or packed.",
}


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
        "responses": {202: _content(answer, "Durable."), **_problems(_GUARDED | _OF_INGEST)},
        "openapi_extra": {
            "parameters": [_key_parameter(MAX_BATCH_KEY if answer is BATCH_RESULT else MAX_LENGTH)],
            "requestBody": {"required": body_required, "content": {"application/json": {"schema": reference_to(body)}}},
        },
    }


def returns(answer: Schema) -> dict[str, Any]:
    """FastAPI's arguments for a route behind the gate that answers 200."""
    return {"response_model": None, "responses": {200: _content(answer, "Found."), **_problems(_GUARDED)}}


def tells_of(answer: Schema, unknown: str) -> dict[str, Any]:
    """FastAPI's arguments for a route that reads what is known of something; `unknown` says what its 404 means."""
    problems = _problems(_GUARDED | {404: unknown})
    return {"response_model": None, "responses": {200: _content(answer, "Found."), **problems}}


def returns_metrics() -> dict[str, Any]:
    """FastAPI's arguments for the route that Prometheus reads."""
    text = {"description": "As Prometheus reads it.", "content": {"text/plain": {"schema": TEXT}}}
    responses = {200: text, **_problems(_GUARDED)}
    return {"response_model": None, "response_class": PlainTextResponse, "responses": responses}


def probes(answer: Schema) -> dict[str, Any]:
    """FastAPI's arguments for a route that everybody may ask, and whose answer looks the same while it says no."""
    responses = {200: _content(answer, "Well."), **_problems({})}
    responses[503]["content"] = {**_content(answer, "Not well.")["content"], **responses[503]["content"]}
    return {"response_model": None, "responses": responses}


def _problems(statuses: dict[int, str]) -> dict[int | str, Any]:
    """What is said of refusals: of these, and of those that may come anywhere."""
    return {
        status: {"description": text, "content": {"application/problem+json": {"schema": reference_to(PROBLEM)}}}
        for status, text in sorted((_OF_ALL | statuses).items())
    }


def _content(schema: Schema, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": reference_to(schema)}}}
