"""What `penchant setup` makes: collections, indexes, and validators that keep other programs' mistakes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from pymongo import ASCENDING

from adapters.mongodb import product_catalogue, product_document, user_document, user_embedding_store

_ID = {"bsonType": "string", "minLength": 1, "maxLength": 128}
_TEXT = {"bsonType": "string"}
_NUMBER = {"bsonType": "double", "minimum": 0}
_COUNT = {"bsonType": "long", "minimum": 0}
_DATE = {"bsonType": "date"}
_EXTRA_US = {"bsonType": ["int", "long"], "minimum": 0, "maximum": 999}
_POSITION = {"bsonType": ["int", "long"], "minimum": 1}
_ATTRIBUTE = {
    "bsonType": "object",
    "required": ["name", "value"],
    "properties": {"name": {"bsonType": "string", "minLength": 1}, "value": {"bsonType": "string", "minLength": 1}},
}
_RANGE = {"bsonType": "array", "minItems": 2, "maxItems": 2, "items": _POSITION}


@frozen(kw_only=True)
class Index:
    """An index, ascending."""

    fields: Sequence[str]
    unique: bool = False

    @property
    def keys(self) -> list[tuple[str, int]]:
        """As pymongo takes and describes them."""
        return [(field, ASCENDING) for field in self.fields]

    @property
    def name(self) -> str:
        """The name that MongoDB itself gives it."""
        return "_".join(f"{field}_{ASCENDING}" for field in self.fields)


@frozen(kw_only=True)
class CollectionPlan:
    """A collection as it has to be."""

    name: str
    indexes: Sequence[Index]
    validator: Mapping[str, Any]


def _schema(
    fields: Mapping[str, Any], schema_version: int, optional: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    # The length of vectors stays open: a new recipe may have another one, and its workers must be able to write.
    properties = {"_id": _ID, **fields, "schema_version": {"bsonType": ["int", "long"], "enum": [schema_version]}}
    everything = {**properties, **(optional if optional is not None else {})}
    return {"$jsonSchema": {"bsonType": "object", "required": list(properties), "properties": everything}}


USER_EMBEDDINGS = CollectionPlan(
    name=user_embedding_store.COLLECTION,
    indexes=(Index(fields=["user_id"], unique=True), Index(fields=["last_updated"]), Index(fields=["version"])),
    validator=_schema(
        {
            "user_id": _ID,
            "embedding": {"bsonType": ["binData", "null"]},
            "norm": _NUMBER,
            "weight": _NUMBER,
            "error": _NUMBER,
            "as_of": {"bsonType": ["date", "null"]},
            "as_of_extra_us": _EXTRA_US,
            "last_updated": _DATE,
            "last_updated_extra_us": _EXTRA_US,
            "event_count": _COUNT,
            "position": _COUNT,
            "missing": {"bsonType": "array", "items": _RANGE},
            "missing_after_rebuild": _COUNT,
            "recipe": _TEXT,
            "model": _TEXT,
            "version": _COUNT,
            "write_id": {"bsonType": "string", "minLength": 1, "maxLength": 36},
        },
        user_document.SCHEMA_VERSION,
    ),
)

PRODUCT_EMBEDDINGS = CollectionPlan(
    name=product_catalogue.COLLECTION,
    # By model, so that a change of the recipe finds what is left to embed without reading the whole catalogue.
    indexes=(
        Index(fields=["product_id"], unique=True),
        Index(fields=["model", "dimensions"]),
        Index(fields=["attributes.name", "attributes.value"]),
    ),
    validator=_schema(
        {
            "product_id": _ID,
            "embedding": {"bsonType": "binData"},
            "dimensions": {"bsonType": ["int", "long"], "minimum": 1},
            "text": {"bsonType": "string", "minLength": 1},
            "model": _TEXT,
            "revision": {"bsonType": "long", "minimum": 1},
            "updated_at": _DATE,
            "updated_at_extra_us": _EXTRA_US,
            "put_id": {"bsonType": "objectId"},
        },
        product_document.SCHEMA_VERSION,
        # A program of before them may still be at work.
        optional={"attributes": {"bsonType": "array", "items": _ATTRIBUTE}, "own_vector": {"bsonType": "bool"}},
    ),
)

PLANS = (USER_EMBEDDINGS, PRODUCT_EMBEDDINGS)
WRITTEN = (USER_EMBEDDINGS.name, PRODUCT_EMBEDDINGS.name, product_catalogue.REVISION_COLLECTION)
"""All collections that Penchant writes."""
