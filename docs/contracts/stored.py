"""JSON Schemas of what is stored and read by others: documents of MongoDB, rows of the log."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.mongodb.collection_plans import CollectionPlan
from adapters.sql.types import ExactJson, UtcDateTime

Schema = dict[str, Any]

_WRAPPED = {"date": "$date", "binData": "$binary", "objectId": "$oid"}
"""BSON types that Extended JSON writes as an object of one field."""
_PLAIN = {"bool": "boolean", "double": "number", "int": "integer", "long": "integer"}

_TIME_OF_ROW: Schema = {
    "description": "UTC. SQLite keeps it as text with its offset, MySQL as DATETIME(6) without.",
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}(\+00:00)?$",
}


def document_schema(plan: CollectionPlan) -> Schema:
    """The validator of a collection, for its documents in relaxed Extended JSON (as mongoexport writes them)."""
    about = f"A document of MongoDB's collection {plan.name}, in relaxed Extended JSON."
    return {"title": plan.name, "description": about, **_of_bson(plan.validator["$jsonSchema"])}


def row_schema(table: sa.Table) -> Schema:
    """A row of a table by the names of its columns, as text, numbers and null."""
    return {
        "title": table.name,
        "description": f"A row of the SQL table {table.name}.",
        "type": "object",
        "properties": {column.name: _of_column(column) for column in table.columns},
        "required": [column.name for column in table.columns],
    }


def _of_bson(schema: Mapping[str, Any]) -> Schema:
    kept = {name: value for name, value in schema.items() if name not in ("bsonType", "properties", "items")}
    if "properties" in schema:
        kept["properties"] = {name: _of_bson(value) for name, value in schema["properties"].items()}
    if "items" in schema:
        kept["items"] = _of_bson(schema["items"])
    types = schema["bsonType"] if isinstance(schema["bsonType"], list) else [schema["bsonType"]]
    wrapped: Sequence[Schema] = [_wrapped(_WRAPPED[kind]) for kind in types if kind in _WRAPPED]
    plain = sorted({_PLAIN.get(kind, kind) for kind in types if kind not in _WRAPPED})
    if not wrapped:
        return {"type": plain if len(plain) > 1 else plain[0], **kept}
    return {"anyOf": [*wrapped, *({"type": kind} for kind in plain)]} if plain else wrapped[0]


def _wrapped(key: str) -> Schema:
    return {"type": "object", "properties": {key: {}}, "required": [key]}


def _of_column(column: "sa.Column[Any]") -> Schema:
    schema = _of_type(column.type)
    return {**schema, "type": [schema["type"], "null"]} if column.nullable else schema


def _of_type(kind: sa.types.TypeEngine[Any]) -> Schema:
    if isinstance(kind, UtcDateTime):
        return _TIME_OF_ROW
    if isinstance(kind, ExactJson):
        return {"description": "JSON, as text.", "type": "string"}
    if isinstance(kind, sa.Integer):
        return {"type": "integer"}
    if isinstance(kind, sa.String):
        return {"type": "string", "maxLength": kind.length}
    raise TypeError(kind)
