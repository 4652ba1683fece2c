"""A user embedding as a document, and back."""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from types import NoneType
from typing import Any

from bson.int64 import Int64

from adapters.mongodb.database import Document
from adapters.mongodb.instants import fields_of, instant_from
from adapters.mongodb.vectors import from_binary, to_binary
from domain.applied_positions import AppliedPositions
from domain.errors import InvalidValueError
from domain.user_embedding import UNREADABLE, UserEmbedding

SCHEMA_VERSION = 1

NO_WRITE_ID = "no write_id: this document, as it stands"
"""What is read as `write_id` where there is none. Longer than a real one; a write with it replaces such a document."""

_INTEGER = (int, Int64)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "user_id": (str,),
    "embedding": (bytes, NoneType),
    "norm": (float,),
    "weight": (float,),
    "error": (float,),
    "as_of": (datetime, NoneType),
    "as_of_extra_us": _INTEGER,
    "last_updated": (datetime,),
    "last_updated_extra_us": _INTEGER,
    "event_count": _INTEGER,
    "position": _INTEGER,
    "missing": (list,),
    "missing_after_rebuild": _INTEGER,
    "recipe": (str,),
    "model": (str,),
    "version": _INTEGER,
    "write_id": (str,),
}
_COUNTS = ("event_count", "position", "missing_after_rebuild", "version")
_TOO_MUCH = 2**62
"""A count that could not be counted up much longer in 64 bits was not counted."""


def document_of(state: UserEmbedding) -> Document:
    """The document of a state. Its `_id` is the user's id: unique even where nobody has made an index."""
    return {
        "_id": state.user_id,
        "user_id": state.user_id,
        "embedding": to_binary(state.embedding) if state.embedding is not None else None,
        "norm": state.norm,
        "weight": state.weight,
        "error": state.error,
        **fields_of("as_of", state.as_of),
        **fields_of("last_updated", state.last_updated),
        "event_count": Int64(state.event_count),
        "position": Int64(state.applied.position),
        "missing": [list(gap) for gap in state.applied.missing],
        "missing_after_rebuild": Int64(state.missing_after_rebuild),
        "recipe": state.recipe,
        "model": state.model,
        "version": Int64(state.version),
        "write_id": state.write_id,
        "schema_version": SCHEMA_VERSION,
    }


def state_from(document: Document) -> UserEmbedding:
    """The state of a document; of the recipe UNREADABLE where the document makes no sense."""
    if not _is_consistent(document):
        return _unreadable(document)
    stored = document["embedding"]
    embedding = from_binary(stored)
    if stored is not None and embedding is None:
        return _unreadable(document)
    try:
        applied = AppliedPositions(int(document["position"]), _ranges(document["missing"]))
        as_of = instant_from(document["as_of"], document["as_of_extra_us"])
        last_updated = instant_from(document["last_updated"], document["last_updated_extra_us"])
    except (InvalidValueError, TypeError, ValueError, OverflowError):
        return _unreadable(document)
    return UserEmbedding(
        user_id=document["_id"],
        recipe=document["recipe"],
        model=document["model"],
        embedding=embedding,
        norm=document["norm"],
        weight=document["weight"],
        error=document["error"],
        as_of=as_of,
        event_count=int(document["event_count"]),
        applied=applied,
        missing_after_rebuild=int(document["missing_after_rebuild"]),
        version=int(document["version"]),
        write_id=document["write_id"],
        last_updated=last_updated,
    )


def _unreadable(document: Document) -> UserEmbedding:
    version: Any = document.get("version")
    write_id: Any = document.get("write_id")
    return UserEmbedding(
        user_id=document["_id"],
        recipe=UNREADABLE,
        model=UNREADABLE,
        version=int(version) if type(version) in _INTEGER and 0 <= version < _TOO_MUCH else 0,
        write_id=write_id if type(write_id) is str else NO_WRITE_ID,
    )


def _is_consistent(document: Document) -> bool:
    """Whether everything is there, of its type, and vector, numbers and time go together."""
    return (
        document.get("schema_version") == SCHEMA_VERSION
        and all(type(document.get(name, ...)) in types for name, types in _TYPES.items())
        and document["user_id"] == document["_id"]
        and all(0 <= document[name] < _TOO_MUCH for name in _COUNTS)
        and all(isfinite(document[name]) and document[name] >= 0 for name in ("norm", "weight", "error"))
        and (document["as_of"] is not None) == (document["event_count"] > 0)
        and (document["embedding"] is not None) == (document["norm"] > 0)
    )


def _ranges(missing: list[Any]) -> list[tuple[int, int]]:
    """Raises TypeError or ValueError unless these are pairs of whole numbers."""
    ranges = []
    for first, last in missing:
        if type(first) not in _INTEGER or type(last) not in _INTEGER:
            raise TypeError(missing)
        ranges.append((int(first), int(last)))
    return ranges
