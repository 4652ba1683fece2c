"""A vector index, what tests do to it behind its back, and what searches find in it."""

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen
from qdrant_client import QdrantClient, models

from adapters.memory.vector_index import MemoryGeneration, MemoryVectorIndex, Searched
from adapters.qdrant.collection_plans import PRODUCTS, USERS, collection_name
from adapters.qdrant.index import QdrantIndex, point_id
from adapters.qdrant.schema import QdrantSchema
from adapters.qdrant.server import QdrantServer
from application.ports.vector_index import IndexGeneration, VectorIndex
from domain.vectors import Vector
from tests.builders import DIMENSIONS

Closing = Callable[[Callable[[], None]], None]


@frozen(kw_only=True)
class Built:
    """The indexes of one embedding model, set up."""

    users: VectorIndex
    products: VectorIndex
    generation: IndexGeneration


class IndexSide(Protocol):
    """What is the same for all adapters."""

    def built(self, model: str = "model-1", dimensions: int = DIMENSIONS) -> Built:
        """The indexes of a model, as a process opens them."""

    def spoil(self, user_id: str, payload: Mapping[str, Any]) -> None:
        """Put a point with this payload where model-1 has that user's."""

    def stray(self, strange_id: str | int, payload: Mapping[str, Any]) -> None:
        """Put a point where model-1 has nobody's."""

    def searched(self, vector: Vector) -> Collection[str]:
        """The users that searches find."""

    def kept(self, model: str) -> bool:
        """Whether anything is left of the users of a model."""


@frozen
class MemorySide:
    """In dicts."""

    _found: Searched = field(factory=Searched)
    _models: dict[str, Sequence[MemoryVectorIndex]] = field(factory=dict)

    def built(self, model: str = "model-1", dimensions: int = DIMENSIONS) -> Built:
        indexes = self._models.setdefault(model, [MemoryVectorIndex(dimensions), MemoryVectorIndex(dimensions)])
        return Built(users=indexes[0], products=indexes[1], generation=MemoryGeneration(indexes, self._found))

    def spoil(self, user_id: str, payload: Mapping[str, Any]) -> None:
        del payload
        self._models["model-1"][0].points[user_id] = None

    def stray(self, strange_id: str | int, payload: Mapping[str, Any]) -> None:
        del payload
        self._models["model-1"][0].strays.add(strange_id)

    def searched(self, vector: Vector) -> Collection[str]:
        del vector
        return self._found.indexes[0].points.keys()

    def kept(self, model: str) -> bool:
        return bool(self._models[model][0].points)


@frozen
class QdrantSide:
    """In Qdrant, or in its local mode."""

    server: QdrantServer

    def built(self, model: str = "model-1", dimensions: int = DIMENSIONS) -> Built:
        schema = QdrantSchema(self.server, model, dimensions)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # local mode has no payload indexes
            schema.install()
        users, products = (QdrantIndex(self.server, plan, model, dimensions) for plan in (USERS, PRODUCTS))
        return Built(users=users, products=products, generation=schema)

    def spoil(self, user_id: str, payload: Mapping[str, Any]) -> None:
        self.stray(point_id(user_id), payload)

    def stray(self, strange_id: str | int, payload: Mapping[str, Any]) -> None:
        vector = [1.0] + (DIMENSIONS - 1) * [0.0]
        name = collection_name(USERS.alias, "model-1", DIMENSIONS)
        with self.server.translated() as client:
            client.upsert(name, [models.PointStruct(id=strange_id, vector=vector, payload=dict(payload))])

    def searched(self, vector: Vector) -> Collection[str]:
        with self.server.translated() as client:
            found = client.query_points(USERS.alias, query=vector.tolist(), limit=100, with_payload=True).points
        return {point.payload["user_id"] for point in found if point.payload is not None}

    def kept(self, model: str) -> bool:
        with self.server.translated() as client:
            return client.collection_exists(collection_name(USERS.alias, model, DIMENSIONS))


def in_local_mode(closing: Closing) -> QdrantSide:
    """In one process, without a server."""
    return _side(QdrantServer("http://localhost", connect=lambda _: QdrantClient(":memory:")), closing)


def on_server(url: str, closing: Closing) -> QdrantSide:
    """Over HTTP."""
    return _side(QdrantServer(url), closing)


def _side(server: QdrantServer, closing: Closing) -> QdrantSide:
    closing(server.dispose)
    return QdrantSide(server)
