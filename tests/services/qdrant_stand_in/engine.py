"""The collections of the stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from attrs import define, field
from pydantic import TypeAdapter, ValidationError
from qdrant_client import QdrantClient
from qdrant_client.http import models
from refusal import alias_is_taken, malformed, name_is_taken, no_such_collection, not_an_id, wrong_input, wrong_length

INSERT: TypeAdapter[Any] = TypeAdapter(models.PointInsertOperations)
SELECTOR: TypeAdapter[Any] = TypeAdapter(models.PointsSelector)


@define
class Made:
    """How a collection was made, which local mode does not keep."""

    request: models.CreateCollection
    indexes: dict[str, Any] = field(factory=dict)


class Engine:
    """Collections and aliases in memory. A call takes a name and a body; if it raises Refused, nothing has changed."""

    def __init__(self) -> None:
        self._local = QdrantClient(":memory:")
        self._made: dict[str, Made] = {}

    @property
    def empty(self) -> bool:
        """Whether there is no collection, so no alias either."""
        return not self._made

    def create(self, name: str, body: bytes) -> bool:
        """Make a collection."""
        with _refusals():
            request = models.CreateCollection.model_validate_json(body)
            if name in self._made:
                raise name_is_taken(name)
            if name in self._aliases():
                raise alias_is_taken(name)
            self._local.create_collection(name, request.vectors, sparse_vectors_config=request.sparse_vectors)
        self._made[name] = Made(request)
        return True

    def drop(self, name: str, _body: bytes) -> bool:
        """Remove a collection and its aliases. An alias is not one: that nothing has this name is no error."""
        self._made.pop(name, None)
        return bool(self._local.delete_collection(name))

    def index(self, name: str, body: bytes) -> models.UpdateResult:
        """Remember an index of a field of payloads; there is none."""
        with _refusals():
            request = models.CreateFieldIndex.model_validate_json(body)
        if request.field_schema is None:
            raise wrong_input(f"field_schema is needed to index {request.field_name}")
        self._made[self._collection(name)].indexes[request.field_name] = request.field_schema
        return _done()

    def alias(self, _name: str, body: bytes) -> bool:
        """Change aliases, all in one step."""
        with _refusals():
            actions = models.ChangeAliasesOperation.model_validate_json(body).actions
            for action in actions:
                if isinstance(action, models.CreateAliasOperation):
                    self._check_alias(action.create_alias)
            return bool(self._local.update_collection_aliases(actions))

    def put(self, name: str, body: bytes) -> models.UpdateResult:
        """Store points in place of what is there."""
        vectors = self._vectors(name)
        with _refusals():
            request = INSERT.validate_json(body)
            points = request.points if isinstance(request, models.PointsList) else _one_by_one(request.batch)
            for point in points:
                _check_id(point.id)
                _check_length(vectors, point.vector)
            return self._local.upsert(
                name, points, update_filter=request.update_filter, update_mode=request.update_mode
            )

    def remove(self, name: str, body: bytes) -> models.UpdateResult:
        """Remove points by their ids, or by a filter."""
        self._collection(name)
        with _refusals():
            selector = SELECTOR.validate_json(body)
            for id_ in getattr(selector, "points", ()):
                _check_id(id_)
            return self._local.delete(name, selector)

    def collections(self, _name: str, _body: bytes) -> models.CollectionsResponse:
        """The names of all collections."""
        return self._local.get_collections()

    def aliases(self, _name: str, _body: bytes) -> models.CollectionsAliasesResponse:
        """All aliases."""
        return self._local.get_aliases()

    def aliases_of(self, name: str, _body: bytes) -> models.CollectionsAliasesResponse:
        """The aliases of a collection; none if there is no such collection."""
        return self._local.get_collection_aliases(name)

    def exists(self, name: str, _body: bytes) -> models.CollectionExistence:
        """Whether there is such a collection or alias."""
        return models.CollectionExistence(exists=self._local.collection_exists(name))

    def info(self, name: str, _body: bytes) -> models.CollectionInfo:
        """How a collection was made, and how much it holds."""
        made = self._made[self._collection(name)]
        info = self._local.get_collection(name)
        info.config.params.vectors = made.request.vectors
        info.config.params.on_disk_payload = made.request.on_disk_payload is not False
        info.config.hnsw_config = info.config.hnsw_config.model_copy(update=_given(made.request.hnsw_config))
        info.payload_schema = {key: self._index_info(name, key, schema) for key, schema in made.indexes.items()}
        return info

    def retrieve(self, name: str, body: bytes) -> list[models.Record]:
        """Points by their ids; those that are not there are left out."""
        self._collection(name)
        with _refusals():
            request = models.PointRequest.model_validate_json(body)
            for id_ in request.ids:
                _check_id(id_)
            with_payload = request.with_payload if request.with_payload is not None else True
            return self._local.retrieve(name, request.ids, with_payload, request.with_vector or False)

    def scroll(self, name: str, body: bytes) -> models.ScrollResult:
        """A page of points: numbers first, then UUIDs."""
        self._collection(name)
        with _refusals():
            request = models.ScrollRequest.model_validate_json(body)
            points, offset = self._local.scroll(
                name,
                scroll_filter=request.filter,
                limit=request.limit if request.limit is not None else 10,
                order_by=request.order_by,
                offset=request.offset,
                with_payload=request.with_payload if request.with_payload is not None else True,
                with_vectors=request.with_vector or False,
            )
        return models.ScrollResult(points=points, next_page_offset=offset)

    def query(self, name: str, body: bytes) -> models.QueryResponse:
        """What is nearest."""
        with _refusals():
            return self._nearest(name, models.QueryRequest.model_validate_json(body))

    def query_batch(self, name: str, body: bytes) -> list[models.QueryResponse]:
        """What is nearest to each of several vectors."""
        with _refusals():
            requests = models.QueryRequestBatch.model_validate_json(body).searches
            return [self._nearest(name, request) for request in requests]

    def count(self, name: str, body: bytes) -> models.CountResult:
        """How many points there are."""
        self._collection(name)
        with _refusals():
            request = models.CountRequest.model_validate_json(body)
            return self._local.count(name, count_filter=request.filter)

    def _nearest(self, name: str, request: models.QueryRequest) -> models.QueryResponse:
        vectors = self._vectors(name)
        query = request.query.nearest if isinstance(request.query, models.NearestQuery) else request.query
        _check_length(vectors, query)
        return self._local.query_points(
            name,
            query=query,
            using=request.using,
            prefetch=request.prefetch,
            query_filter=request.filter,
            limit=request.limit if request.limit is not None else 10,
            offset=request.offset,
            with_payload=request.with_payload or False,
            with_vectors=request.with_vector or False,
            score_threshold=request.score_threshold,
            lookup_from=request.lookup_from,
        )

    def _collection(self, name: str) -> str:
        """The collection of this name, or of this alias."""
        found = self._aliases().get(name, name)
        if found not in self._made:
            raise no_such_collection(name)
        return found

    def _vectors(self, name: str) -> Any:
        return self._made[self._collection(name)].request.vectors

    def _aliases(self) -> dict[str, str]:
        return {one.alias_name: one.collection_name for one in self._local.get_aliases().aliases}

    def _check_alias(self, alias: models.CreateAlias) -> None:
        if alias.collection_name not in self._made:
            raise no_such_collection(alias.collection_name)
        if alias.alias_name in self._made:
            raise name_is_taken(alias.alias_name)

    def _index_info(self, name: str, key: str, schema: Any) -> models.PayloadIndexInfo:
        simple = isinstance(schema, models.PayloadSchemaType)
        has_it = models.Filter(must_not=[models.IsEmptyCondition(is_empty=models.PayloadField(key=key))])
        return models.PayloadIndexInfo(
            data_type=schema if simple else models.PayloadSchemaType(schema.type),
            params=None if simple else schema,
            points=self._local.count(name, count_filter=has_it).count,
        )


@contextmanager
def _refusals() -> Iterator[None]:
    """What pydantic and local mode do not take is refused."""
    try:
        yield
    except ValidationError as error:
        raise malformed(error.errors()[0]["msg"]) from error
    except ValueError as error:
        raise wrong_input(str(error)) from error


def _one_by_one(batch: models.Batch) -> list[models.PointStruct]:
    payloads = batch.payloads if batch.payloads is not None else [None] * len(batch.ids)
    if not isinstance(batch.vectors, list) or not len(batch.ids) == len(batch.vectors) == len(payloads):
        raise wrong_input("a batch has one vector and one payload an id here, and no names of vectors")
    return [
        models.PointStruct(id=id_, vector=vector, payload=payload)
        for id_, vector, payload in zip(batch.ids, batch.vectors, payloads, strict=True)
    ]


def _check_id(id_: Any) -> None:
    if isinstance(id_, int) and id_ < 0:
        raise not_an_id(id_)
    if isinstance(id_, str):
        try:
            UUID(id_)
        except ValueError as error:
            raise not_an_id(id_) from error


def _check_length(vectors: Any, vector: Any) -> None:
    if isinstance(vectors, models.VectorParams) and isinstance(vector, list) and len(vector) != vectors.size:
        raise wrong_length(vectors.size, len(vector))


def _given(settings: Any) -> dict[str, Any]:
    return settings.model_dump(exclude_none=True) if settings is not None else {}


def _done() -> models.UpdateResult:
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)
