"""What the bodies of requests and answers look like."""

from application import schemas as messages
from application.schemas import INSTANT, PHRASE, Schema
from domain.blend import Source
from domain.identifier import MAX_LENGTH

_PLACE = "#/components/schemas/"

EVENT: Schema = {
    **messages.EVENT,
    "oneOf": [{"$ref": f"{_PLACE}{kind['title']}"} for kind in messages.EVENT["oneOf"]],
}
"""The kinds stand for themselves, so that generated clients have a name for each."""

MAX_BATCH_KEY = MAX_LENGTH - len("-999")

ENVELOPE = ("message_id", "occurred_at", "user_session", "properties")
"""Fields of an event whose user and subject the path says."""

ENVELOPE_SCHEMA: Schema = {
    "description": "The rest of an event, of which the path says user and subject.",
    "type": "object",
    "properties": {name: messages.PRODUCT_EVENT["properties"][name] for name in ENVELOPE},
    "additionalProperties": False,
}

QUERY: Schema = {
    "description": "A search of the user that the path names.",
    "type": "object",
    "properties": {"query": PHRASE, **ENVELOPE_SCHEMA["properties"]},
    "required": ["query"],
    "additionalProperties": False,
}

BATCH: Schema = {
    "description": "Events. One that is none fails alone, so anything may stand there.",
    "type": "array",
    "items": {},
    "minItems": 1,
    "maxItems": 1_000,
}

PROBLEM: Schema = {
    "description": "What is wrong (RFC 9457).",
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
    "description": "An event is durable.",
    "type": "object",
    "properties": {"status": {"const": "Event queued"}, "message_id": {"type": "string"}},
    "required": ["status", "message_id"],
    "additionalProperties": False,
}

BATCH_RESULT: Schema = {
    "description": "What became of each event.",
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
                    "error": {"$ref": f"{_PLACE}Problem"},
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
TEXT: Schema = {"type": "string"}


def _object(description: str, **properties: Schema) -> Schema:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EMBEDDING = _object(
    "What a user is into.",
    user_id=TEXT,
    embedding={
        "description": "Of unit length, ready for a dot product; null where no event is live or all cancel out.",
        "type": ["array", "null"],
        "items": _NUMBER,
    },
    dimensions=_COUNT,
    model=TEXT,
    recipe=TEXT,
    norm=_NUMBER,
    weight=_NUMBER,
    focus={**_NUMBER, "minimum": 0, "maximum": 1, "description": "How much the events agree."},
    as_of={**INSTANT, "type": ["string", "null"], "description": "When norm and weight are written down."},
    event_count={**_COUNT, "description": "Live events."},
    position={**_COUNT, "description": "The highest position that is applied."},
    version={**_COUNT, "description": "Counts writes; 0 where it is folded for `at`."},
    last_updated={**INSTANT, "type": ["string", "null"]},
)

_SOURCES = [str(source) for source in Source]
_REASON = _object(
    "Where it has its best place; if that is the embedding, what of the user's own pulls most towards it, else nulls.",
    source={"enum": _SOURCES},
    event_type={"type": ["string", "null"]},
    product_id={"type": ["string", "null"]},
    search_phrase={"type": ["string", "null"]},
    text={"type": ["string", "null"]},
    occurred_at={**INSTANT, "type": ["string", "null"]},
)

RECOMMENDATIONS = _object(
    "What to offer a user next, the best first.",
    user_id=TEXT,
    recommendations={
        "type": "array",
        "items": _object(
            "A product.",
            product_id=TEXT,
            text=TEXT,
            similarity={"type": ["number", "null"], "description": "To the embedding; null where there is none."},
            score={**_NUMBER, "description": "The sum of 1 / (60 + rank) over the sources; it means only the order."},
            ranks={
                "description": "Its place in each source that has it.",
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1},
            },
            reason=_REASON,
        ),
    },
)

SIMILAR_PRODUCTS = _object(
    "Products that are most like another one, the nearest first.",
    product_id=TEXT,
    products={
        "type": "array",
        "items": _object("A product.", product_id=TEXT, text=TEXT, similarity=_NUMBER),
    },
)

SIMILAR_USERS = _object(
    "Users who are into the same, the nearest first.",
    user_id=TEXT,
    users={"type": "array", "items": _object("A user.", user_id=TEXT, similarity=_NUMBER)},
)

EXPLANATION = _object(
    "Why an embedding is what it is.",
    user_id=TEXT,
    events={
        "type": "array",
        "items": _object(
            "A live event.",
            message_id=TEXT,
            event_type=TEXT,
            product_id={"type": ["string", "null"]},
            search_phrase={"type": ["string", "null"]},
            text=TEXT,
            occurred_at=INSTANT,
            weight=_NUMBER,
            share=_NUMBER,
        ),
    },
)

STATUS = _object("A status.", status=TEXT)

READINESS = _object(
    "Whether requests can be served.",
    status={"enum": ["ready", "not ready"]},
    parts={
        "type": "array",
        "items": _object("A part.", part=TEXT, health={"enum": ["ok", "warning", "failed"]}),
    },
)

QUEUES = _object(
    "The broker's queues.",
    status=TEXT,
    queues={
        "type": "object",
        "additionalProperties": _object(
            "A queue.",
            messages=_COUNT,
            consumers={**_COUNT, "type": ["integer", "null"], "description": "Null where the broker does not know."},
            lag={
                **_COUNT,
                "type": ["integer", "null"],
                "description": "Recorded and not applied by its consumer; null where it has none, or the log is away.",
            },
            dead_letters={
                **_COUNT,
                "type": ["integer", "null"],
                "description": "Given up there and not retried yet; null while the log is away.",
            },
        ),
    },
)

COMPONENTS: dict[str, Schema] = {
    "Event": EVENT,
    **{kind["title"]: kind for kind in messages.EVENT["oneOf"]},
    "Batch": BATCH,
    "Query": QUERY,
    "Envelope": ENVELOPE_SCHEMA,
    "Queued": QUEUED,
    "BatchResult": BATCH_RESULT,
    "Problem": PROBLEM,
    "Embedding": EMBEDDING,
    "Recommendations": RECOMMENDATIONS,
    "SimilarProducts": SIMILAR_PRODUCTS,
    "SimilarUsers": SIMILAR_USERS,
    "Explanation": EXPLANATION,
    "Status": STATUS,
    "Readiness": READINESS,
    "Queues": QUEUES,
}
"""By their names in the OpenAPI document."""


def reference_to(schema: Schema) -> Schema:
    """What stands in a document in place of one of the components."""
    name = next(name for name, known in COMPONENTS.items() if known is schema)
    return {"$ref": f"{_PLACE}{name}"}
