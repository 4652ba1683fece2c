"""A product of the catalogue as a document, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from bson.int64 import Int64
from bson.objectid import ObjectId

from adapters.mongodb.database import Document
from adapters.mongodb.instants import fields_of, instant_from
from adapters.mongodb.vectors import from_binary, to_binary
from application.ports.product_catalogue import ProductStamp
from domain.attributes import Attribute, Attributes
from domain.errors import InvalidValueError
from domain.instant import EPOCH
from domain.product import Product, ProductEmbedding
from domain.user_embedding import UNREADABLE

SCHEMA_VERSION = 1

_INTEGER = (int, Int64)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "product_id": (str,),
    "text": (str,),
    "embedding": (bytes,),
    "dimensions": _INTEGER,
    "model": (str,),
    "updated_at": (datetime,),
    "updated_at_extra_us": _INTEGER,
}
_STAMP_TYPES = {name: _TYPES[name] for name in ("product_id", "updated_at", "updated_at_extra_us")}

STAMP_FIELDS: Document = dict.fromkeys((*_STAMP_TYPES, "revision"), 1)
"""What a stamp is made from, beside `_id`."""


def document_of(product: ProductEmbedding, put_id: ObjectId) -> Document:
    """The document of a product. Its `_id` is the product's id; `put_id` says which call of `put` wrote it.

    `dimensions` is there because a query cannot ask for the length of a binary.
    """
    return {
        "_id": product.product.product_id,
        "product_id": product.product.product_id,
        "text": product.product.text,
        "embedding": to_binary(product.embedding),
        "dimensions": len(product.embedding),
        "model": product.model,
        "revision": Int64(product.revision),
        **fields_of("updated_at", product.updated_at),
        "put_id": put_id,
        "attributes": [{"name": name, "value": value} for name, value in sorted(product.product.attributes)],
        "own_vector": product.product.vector is not None,
        "schema_version": SCHEMA_VERSION,
    }


def attributes_from(document: Document) -> Attributes:
    """The attributes of a document, which has none if it is of an older program.

    Raises ValueError where they make no sense.
    """
    found: Any = document.get("attributes", [])
    is_whole = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    attributes = frozenset(Attribute(one.get("name"), one.get("value")) for one in found) if is_whole else None
    if attributes is None or not all(isinstance(text, str) for attribute in attributes for text in attribute):
        raise ValueError(UNREADABLE)
    return attributes


def has_revision(document: Document) -> bool:
    """Whether a put can name the revision of what is stored. Where it cannot, the document counts as none."""
    revision: Any = document.get("revision")
    return type(revision) in _INTEGER and revision > 0


def product_from(document: Document) -> ProductEmbedding:
    """The product of a document that has a revision; of the model UNREADABLE where it makes no sense otherwise."""
    try:
        return _product_from(document)
    except (InvalidValueError, TypeError, ValueError, OverflowError):
        return ProductEmbedding(
            product=Product(product_id=document["_id"], text=f"({UNREADABLE})"),
            embedding=np.zeros(0, dtype=np.float32),
            model=UNREADABLE,
            revision=int(document["revision"]),
            updated_at=EPOCH,
        )


def stamp_from(document: Document) -> ProductStamp | None:
    """The stamp of a document with STAMP_FIELDS; None where it makes no sense."""
    is_whole = has_revision(document) and _is_whole(document, _STAMP_TYPES)
    try:
        updated_at = instant_from(document["updated_at"], document["updated_at_extra_us"]) if is_whole else None
    except (ValueError, OverflowError):
        return None
    if updated_at is None:
        return None
    return ProductStamp(product_id=document["_id"], revision=int(document["revision"]), updated_at=updated_at)


def _is_whole(document: Document, types: Mapping[str, tuple[type, ...]]) -> bool:
    """Whether these fields are of these types, and the ids agree."""
    return (
        all(type(document.get(name)) in allowed for name, allowed in types.items())
        and document["product_id"] == document["_id"]
    )


def _product_from(document: Document) -> ProductEmbedding:
    embedding = from_binary(document.get("embedding"))
    is_whole = document.get("schema_version") == SCHEMA_VERSION and _is_whole(document, _TYPES)
    updated_at = instant_from(document["updated_at"], document["updated_at_extra_us"]) if is_whole else None
    if embedding is None or updated_at is None or len(embedding) != document["dimensions"]:
        raise ValueError(UNREADABLE)
    return ProductEmbedding(
        product=Product(
            product_id=document["_id"],
            text=document["text"],
            attributes=attributes_from(document),
            vector=embedding if document.get("own_vector") is True else None,
        ),
        embedding=embedding,
        model=document["model"],
        revision=int(document["revision"]),
        updated_at=updated_at,
    )
