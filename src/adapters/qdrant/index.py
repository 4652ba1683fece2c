"""Points in one collection."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

import numpy as np
from qdrant_client import models

from adapters.qdrant.collection_plans import CollectionPlan, collection_name
from adapters.qdrant.server import QdrantServer
from application.ports.vector_index import Point, PointsPage
from domain.vectors import Vector

NAMESPACE = UUID("6f0a9d7e-3c52-4b86-9a41-d5e8b7c21f30")
"""Of the ids of points, which Qdrant wants to be UUIDs or integers. Another one would put all points twice."""
MARK = "mark"

IDS_AT_ONCE = 5_000
"""In one request: 200 kB."""
PART_BYTES = 4_000_000
"""Of vectors in one request or answer. A server takes 32 MB at once, and a worker has little memory."""
NUMBER_BYTES = 25
"""What a float32 takes in JSON at most, with its comma: it is written as the double that it equals."""


class QdrantIndex:
    """The points of users or of products, in the collection of one embedding model.

    A point's id is made from ours, which its payload holds, too; whatever is there otherwise is a stray.
    """

    def __init__(self, server: QdrantServer, plan: CollectionPlan, model: str, dimensions: int) -> None:
        self._server = server
        self._collection = collection_name(plan.alias, model, dimensions)
        self._id_key = plan.id_key
        self._dimensions = dimensions

    def marks(self, ids: Collection[str]) -> Mapping[str, str | None]:
        found = self._records(ids, IDS_AT_ONCE, with_payload=[self._id_key, MARK], with_vectors=False)
        return {our_id: self._mark(our_id, record) for our_id, record in found}

    def read(self, ids: Collection[str]) -> Mapping[str, Point | None]:
        at_once = max(1, PART_BYTES // (NUMBER_BYTES * self._dimensions))
        found = self._records(ids, at_once, with_payload=True, with_vectors=True)
        return {our_id: self._point(our_id, record) for our_id, record in found}

    def put(self, points: Sequence[Point]) -> None:
        for part in self._parts(points):
            batch = models.Batch(
                ids=[point_id(point.id) for point in part],
                vectors=[point.vector.tolist() for point in part],
                payloads=[self._payload(point) for point in part],
            )
            with self._server.translated() as client:
                # Strong: of two writers that overlap, all replicas have the same one last.
                client.upsert(self._collection, batch, wait=True, ordering=models.WriteOrdering.STRONG)

    def remove(self, ids: Collection[str]) -> None:
        self.remove_strays([point_id(our_id) for our_id in ids])

    def page(self, after: str | int | None, limit: int) -> PointsPage:
        with self._server.translated() as client:
            records, following = client.scroll(
                self._collection, limit=limit, offset=after, with_payload=[self._id_key], with_vectors=False
            )
        ids: list[str] = []
        strays: list[str | int] = []
        for record in records:
            our_id = self._id(record)
            if our_id is not None:
                ids.append(our_id)
            else:
                strays.append(_plain(record.id))
        return PointsPage(ids=ids, strays=strays, next=_plain(following) if following is not None else None)

    def remove_strays(self, strays: Collection[str | int]) -> None:
        for part in _slices(list(strays), IDS_AT_ONCE):
            with self._server.translated() as client:
                client.delete(
                    self._collection,
                    models.PointIdsList(points=list(part)),
                    wait=True,
                    ordering=models.WriteOrdering.STRONG,
                )

    def _records(
        self, ids: Collection[str], at_once: int, *, with_payload: bool | list[str], with_vectors: bool
    ) -> Iterator[tuple[str, models.Record]]:
        by_point = {point_id(our_id): our_id for our_id in ids}
        for part in _slices(list(by_point), at_once):
            with self._server.translated() as client:
                records = client.retrieve(self._collection, part, with_payload=with_payload, with_vectors=with_vectors)
            yield from ((by_point[str(record.id)], record) for record in records)

    def _parts(self, points: Sequence[Point]) -> Iterator[Sequence[Point]]:
        """The points in parts of about PART_BYTES."""
        part: list[Point] = []
        room = PART_BYTES
        for point in points:
            size = NUMBER_BYTES * self._dimensions + len(json.dumps(self._payload(point)))
            if part and size > room:
                yield part
                part, room = [], PART_BYTES
            part.append(point)
            room -= size
        if part:
            yield part

    def _payload(self, point: Point) -> dict[str, object]:
        return {**point.payload, self._id_key: point.id, MARK: point.mark}

    def _id(self, record: models.Record) -> str | None:
        """Our id of a point; None where it is a stray."""
        our_id = (record.payload or {}).get(self._id_key)
        return our_id if isinstance(our_id, str) and point_id(our_id) == _plain(record.id) else None

    def _mark(self, our_id: str, record: models.Record) -> str | None:
        mark = (record.payload or {}).get(MARK)
        return mark if isinstance(mark, str) and self._id(record) == our_id else None

    def _point(self, our_id: str, record: models.Record) -> Point | None:
        mark, vector = self._mark(our_id, record), _vector(record.vector, self._dimensions)
        if mark is None or vector is None:
            return None
        ours = (self._id_key, MARK)
        payload = {key: value for key, value in (record.payload or {}).items() if key not in ours}
        return Point(id=our_id, vector=vector, mark=mark, payload=payload)


def point_id(our_id: str) -> str:
    """What the index calls the point of a user or a product."""
    return str(uuid5(NAMESPACE, our_id))


def _vector(stored: object, dimensions: int) -> Vector | None:
    try:
        vector = np.array(stored, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    return vector if vector.shape == (dimensions,) and np.isfinite(vector).all() else None


def _plain(found: int | str | UUID) -> int | str:
    return found if isinstance(found, int) else str(found)


def _slices(ids: list[str | int], size: int) -> Iterator[list[str | int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
