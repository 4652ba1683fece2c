"""No contract changes in a way that breaks others; and the comparison that says so is right."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from docs.contracts.documents import RELEASED, documents
from tests.contract.document_changes import breaking_changes
from tests.contract.schema_changes import Direction, SchemaChanges

Change = Callable[[Any], Any]
HELD = sorted(path.name for path in RELEASED.glob("*.json"))


@pytest.mark.parametrize("name", HELD)
def test_a_contract_breaks_nobody_who_relies_on_the_last_release(name: str) -> None:
    released = json.loads((RELEASED / name).read_text(encoding="utf-8"))

    assert breaking_changes(name, released, documents()[name]) == []


def test_every_contract_is_held_against_the_last_release() -> None:
    assert {"openapi.json", "asyncapi.json", "event.schema.json", "logged-event.schema.json"} <= set(HELD)


OBJECT = {
    "type": "object",
    "properties": {
        "id": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 8}, {"type": "integer"}]},
        "kind": {"enum": ["view", "click"]},
        "note": {"type": ["string", "null"]},
        "when": {"type": "string", "format": "date-time", "pattern": "Z$"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "by_name": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["id"],
    "additionalProperties": False,
}


def at(path: str, value: Any) -> Change:
    """Sets a value; None deletes it."""

    def change(document: Any) -> Any:
        *parents, last = path.split("/")
        place = document
        for parent in parents:
            place = place[int(parent) if isinstance(place, list) else parent.replace("~1", "/")]
        key = int(last) if isinstance(place, list) else last.replace("~1", "/")
        if value is None:
            del place[key]
        else:
            place[key] = value
        return document

    return change


NARROWER = [
    at("required", ["id", "kind"]),
    at("properties/id/anyOf", [{"type": "string", "minLength": 1, "maxLength": 8}]),
    at("properties/id/anyOf/0/maxLength", 7),
    at("properties/id/anyOf/0/minLength", 2),
    at("properties/kind/enum", ["view"]),
    at("properties/kind", {"const": "view"}),
    at("properties/note/type", "string"),
    at("properties/note/maxLength", 8),
    at("properties/tags/items/maxLength", 3),
    at("properties/tags/items/enum", ["a"]),
    at("properties/tags/maxItems", 2),
    at("properties/tags/minItems", 1),
    at("properties/by_name/additionalProperties", False),
    at("properties/by_name/additionalProperties/minimum", 0),
]
WIDER = [
    at("required", []),
    at("properties/id/anyOf/0/maxLength", 9),
    at("properties/id/anyOf/0/minLength", None),
    at("properties/id/anyOf/1/type", "number"),
    at("properties/id/anyOf", [{"type": kind} for kind in ("string", "integer", "boolean")]),
    at("properties/kind/enum", ["view", "click", "purchase"]),
    at("properties/kind", {"type": "string"}),
    at("properties/note/type", ["string", "null", "integer"]),
    at("properties/when/pattern", None),
    at("properties/when/format", None),
    at("properties/tags/items", True),
    at("properties/tags/maxItems", 4),
    at("properties/by_name/additionalProperties", True),
    at("properties/by_name/additionalProperties/type", "number"),
]
GONE = [at(f"properties/{name}", None) for name in ("kind", "note", "id")]
NEW_FIELD = at("properties/colour", {"type": "string"})
NOTE = at("properties/kind/description", "What it was.")


def changes(change: Change, direction: Direction) -> list[str]:
    new = change(deepcopy(OBJECT))
    return SchemaChanges(old=OBJECT, new=new, direction=direction).between(OBJECT, new, "event")


@pytest.mark.parametrize("change", [*NARROWER, *GONE], ids=range(len(NARROWER + GONE)))
def test_a_request_that_is_narrower_is_refused(change: Change) -> None:
    assert len(changes(change, Direction.TO_US)) >= 1


@pytest.mark.parametrize("change", [*WIDER, NEW_FIELD, NOTE], ids=range(len(WIDER) + 2))
def test_a_request_that_is_wider_is_accepted(change: Change) -> None:
    assert changes(change, Direction.TO_US) == []


@pytest.mark.parametrize("change", [*WIDER, *GONE], ids=range(len(WIDER + GONE)))
def test_an_answer_that_is_wider_is_refused(change: Change) -> None:
    assert len(changes(change, Direction.FROM_US)) >= 1


@pytest.mark.parametrize("change", [*NARROWER, NEW_FIELD, NOTE], ids=range(len(NARROWER) + 2))
def test_an_answer_that_is_narrower_is_accepted(change: Change) -> None:
    assert changes(change, Direction.FROM_US) == []


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("name", ["pattern", "format"])
def test_another_pattern_or_format_is_refused_because_nobody_can_tell_which_is_narrower(
    direction: Direction, name: str
) -> None:
    assert changes(at(f"properties/when/{name}", "time"), direction)


def test_types_and_alternatives_of_one_type_each_are_the_same() -> None:
    spelled = at("properties/note", {"anyOf": [{"type": "null"}, {"type": "string"}]})

    assert changes(spelled, Direction.TO_US) == changes(spelled, Direction.FROM_US) == []


def test_a_request_that_takes_no_other_fields_any_more_is_refused() -> None:
    open_, closed = {"type": "object"}, {"type": "object", "additionalProperties": False}

    assert SchemaChanges(old=open_, new=closed, direction=Direction.TO_US).between(open_, closed, "event")


def test_a_keyword_that_is_not_known_is_not_passed_over() -> None:
    schema = {"not": {"type": "string"}}

    with pytest.raises(ValueError, match="does not know \\['not'\\]"):
        SchemaChanges(old=schema, new=schema, direction=Direction.TO_US).between(schema, schema, "event")


OPENAPI = {
    "paths": {
        "/events": {
            "get": {
                "operationId": "readEvents",
                "parameters": [
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 10}},
                    {"in": "header", "name": "Key", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
                    },
                    "404": {},
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}},
                "responses": {"202": {}},
            },
        },
        "/users": {"get": {"responses": {"200": {}}}},
    },
    "components": {
        "schemas": {
            "Event": OBJECT,
            "Answer": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        }
    },
}
GET, POST = "paths/~1events/get", "paths/~1events/post"
REQUIRED = {"in": "query", "name": "since", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (at("paths/~1users", None), "GET /users is gone"),
        (at(POST, None), "POST /events is gone"),
        (at(f"{GET}/responses/404", None), "GET /events: the answer 404 is gone"),
        (at(f"{GET}/responses/200/headers", {}), "GET /events: the answer 200 has no ETag any more"),
        (
            at(f"{GET}/responses/200/content", {"text/plain": {}}),
            "GET /events: the answer 200 in application/json is gone",
        ),
        (at("components/schemas/Answer/properties", {}), "GET /events: the answer 200.id: the field is gone"),
        (at("components/schemas/Answer/required", []), "GET /events: the answer 200.id: the field may be absent now"),
        (at(f"{GET}/parameters/1", None), "GET /events: the parameter Key is gone"),
        (at(f"{GET}/parameters/1/required", True), "GET /events: the parameter Key is required now"),
        (at(f"{GET}/parameters/1", REQUIRED), "GET /events: the parameter since is required now"),
        (
            at(f"{GET}/parameters/0/schema/maximum", 9),
            "GET /events: the parameter limit: maximum was 10 and is 9",
        ),
        (at(f"{GET}/operationId", "all"), "GET /events: the operation was readEvents and is all"),
        (at(f"{POST}/requestBody/required", True), "POST /events: a body is required now"),
        (
            at(f"{POST}/requestBody/content", {"text/plain": {}}),
            "POST /events: the body in application/json is gone",
        ),
        (
            at("components/schemas/Event/required", ["id", "kind"]),
            "POST /events: the body.kind: the field is required now",
        ),
    ],
)
def test_a_breaking_change_of_the_http_api_is_refused(change: Change, sentence: str) -> None:
    assert sentence in breaking_changes("openapi.json", OPENAPI, change(deepcopy(OPENAPI)))


@pytest.mark.parametrize(
    "change",
    [
        at("paths/~1more", {"get": {"responses": {}}}),
        at("paths/~1users/post", {"responses": {}}),
        at(f"{GET}/responses/429", {}),
        at("components/schemas/Answer/properties/more", {"type": "string"}),
        at("components/schemas/Event/properties/more", {"type": "string"}),
        at(f"{GET}/parameters/0/schema/maximum", 11),
        at(f"{GET}/parameters/1/name", "KEY"),
        at(f"{GET}/description", "It lists."),
    ],
)
def test_a_compatible_change_of_the_http_api_is_accepted(change: Change) -> None:
    assert breaking_changes("openapi.json", OPENAPI, change(deepcopy(OPENAPI))) == []


RECEIVED, SENT = "components/messages/event/payload", "components/messages/loggedEvent/payload"
FROM_EVENTS = "channels/events.exchange"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (at(FROM_EVENTS, None), "the channel events.exchange is gone"),
        (at(f"{FROM_EVENTS}/address", "user"), "the channel events.exchange: address was user.event and is user"),
        (at(f"{FROM_EVENTS}/bindings/amqp/exchange/type", "topic"), "the channel events.exchange: bindings was"),
        (
            at(f"{FROM_EVENTS}/x-bound-queues", []),
            "the channel events.exchange: user_embedding_updates is not bound any more",
        ),
        (
            at("channels/failed.queue/x-queue-arguments", {}),
            "the channel failed.queue: x-queue-arguments was {'x-queue-type': 'quorum'} and is {}",
        ),
        (at("operations/recordEvents", None), "the operation recordEvents is gone"),
        (at("operations/recordEvents/action", "send"), "the operation recordEvents is gone"),
        (
            at("channels/user_embedding_updates.queue/messages/event", None),
            "recordEvents: the message event is gone",
        ),
        (at(RECEIVED, {"type": "string"}), "recordEvents: event's payload: the type was object and is string"),
        (at(SENT, {"type": "string"}), "publishEvents: loggedEvent's payload: the type was object and is string"),
        (
            at("components/messages/loggedEvent/headers/required", []),
            "publishEvents: loggedEvent's headers.x-penchant-position: the field may be absent now",
        ),
        (
            at("components/messages/event/headers/required", ["x-penchant-schema-version"]),
            "recordEvents: event's headers.x-penchant-schema-version: the field is required now",
        ),
    ],
)
def test_a_breaking_change_on_the_broker_is_refused(change: Change, sentence: str) -> None:
    now = documents()["asyncapi.json"]

    found = breaking_changes("asyncapi.json", now, change(deepcopy(now)))

    assert any(line.startswith(sentence) for line in found), found


@pytest.mark.parametrize(
    "change",
    [
        at("channels/more", {"address": "more"}),
        at("operations/more", {"action": "send"}),
        at("components/messages/loggedEvent/headers/properties/traceparent", {"type": "string"}),
        at("components/schemas/LoggedEvent/anyOf/0/properties/colour", {"type": "string"}),
        at("components/messages/event/summary", "An event."),
    ],
)
def test_a_compatible_change_on_the_broker_is_accepted(change: Change) -> None:
    now = documents()["asyncapi.json"]

    assert breaking_changes("asyncapi.json", now, change(deepcopy(now))) == []
