"""The collections: what their points are called, and how they are searched."""

import hashlib
import re
from collections.abc import Mapping

from attrs import frozen
from qdrant_client import models

DISTANCE = models.Distance.DOT
"""Of unit vectors it is the cosine. For `COSINE` Qdrant would store other numbers than it was given: it scales them."""
HNSW = models.HnswConfigDiff(m=16, ef_construct=100)
"""Edges a point, and how many neighbours are weighed for each. They are the defaults of Qdrant, stated because a server
may be configured otherwise. More finds a little more at the price of memory and of slower writes, and points of users
are written again and again."""

_MARK_OF_MODEL = r"_[0-9a-f]{12}"


@frozen(kw_only=True, eq=False)
class CollectionPlan:
    """One collection for each embedding model, and an alias for the one that is searched.

    `indexes` are of the keys that searches filter by; those of the id are for who leaves out what a user has bought.
    """

    alias: str
    id_key: str
    indexes: Mapping[str, models.PayloadSchemaType]

    def is_ours(self, name: str) -> bool:
        """Whether this is the name of such a collection, of whatever model."""
        return re.fullmatch(re.escape(self.alias) + _MARK_OF_MODEL, name) is not None


USERS = CollectionPlan(
    alias="user_embeddings",
    id_key="user_id",
    indexes={
        "user_id": models.PayloadSchemaType.KEYWORD,
        "event_count": models.PayloadSchemaType.INTEGER,
        "as_of": models.PayloadSchemaType.DATETIME,
        "last_products": models.PayloadSchemaType.KEYWORD,
    },
)
PRODUCTS = CollectionPlan(
    alias="product_embeddings",
    id_key="product_id",
    indexes={"product_id": models.PayloadSchemaType.KEYWORD},
)
PLANS = (USERS, PRODUCTS)


def collection_name(alias: str, model: str, dimensions: int) -> str:
    """The name of the collection of a model: the model's own may hold any characters."""
    digest = hashlib.sha256(f"{dimensions} {model}".encode()).hexdigest()
    return f"{alias}_{digest[:12]}"
