"""Qdrant, or what stands in for it, behaves as the real client expects it to."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from tests.services.qdrant import QdrantServer

SIZE = 256
ABSENT = str(UUID(int=99))


@pytest.fixture
def client(qdrant_server: QdrantServer, qdrant_url: str) -> Iterator[QdrantClient]:
    """The real client, and a collection `users_1` with the alias `users`."""
    with closing(qdrant_server.connect()) as client:
        _make(client, "users_1")
        _point_alias(client, "users", "users_1")
        yield client


def test_a_vector_comes_back_bit_by_bit(client: QdrantClient) -> None:
    vector = _unit_vector(7)
    client.upsert("users_1", [_point(7, vector)], wait=True)

    (record,) = client.retrieve("users_1", [_id(7)], with_vectors=True)

    assert np.array_equal(np.array(record.vector, np.float32), vector)


def test_a_point_replaces_the_one_of_its_id(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(1, mark="old", note="gone")])
    client.upsert("users_1", [_point(1, mark="new")])

    (record,) = client.retrieve("users_1", [_id(1)])

    assert record.payload == {"mark": "new"}


def test_an_alias_is_read_and_written_through(client: QdrantClient) -> None:
    client.upsert("users", [_point(1, mark="a", note="b")])

    assert client.count("users_1").count == 1
    (record,) = client.retrieve("users", [_id(1), ABSENT], with_payload=["mark"])
    assert (record.id, record.payload, record.vector) == (_id(1), {"mark": "a"}, None)
    assert client.collection_exists("users")


def test_a_scroll_meets_each_point_once(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(number) for number in range(7)])
    client.upsert("users_1", [models.PointStruct(id=5, vector=_unit_vector(5).tolist())])

    assert _scrolled(client, page=3) == [5, *map(_id, range(7))]


def test_a_scroll_is_filtered(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(1, kind="cat"), _point(2, kind="dog")])

    found, _ = client.scroll("users_1", scroll_filter=_kind("dog"))

    assert [record.id for record in found] == [_id(2)]


def test_points_are_removed_by_id_and_by_filter(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(1, kind="cat"), _point(2, kind="dog"), _point(3, kind="dog"), _point(4)])

    client.delete("users_1", models.PointIdsList(points=[_id(1), ABSENT]))
    client.delete("users_1", models.FilterSelector(filter=_kind("dog")))

    assert _scrolled(client) == [_id(4)]


def test_a_query_finds_the_nearest_first(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(number, kind="cat") for number in range(20)])

    found = client.query_points("users", _unit_vector(7).tolist(), limit=3).points

    assert (len(found), found[0].id, found[0].payload) == (3, _id(7), {"kind": "cat"})
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert found[0].score == pytest.approx(1, abs=1e-6)


def test_a_query_is_filtered(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(1, kind="cat"), _point(2, kind="dog")])

    found = client.query_points("users", _unit_vector(1).tolist(), query_filter=_kind("dog")).points

    assert [one.id for one in found] == [_id(2)]


def test_several_queries_are_answered_in_their_order(client: QdrantClient) -> None:
    client.upsert("users_1", [_point(number) for number in range(5)])
    requests = [models.QueryRequest(query=_unit_vector(number).tolist(), limit=1) for number in (3, 1)]

    answers = client.query_batch_points("users", requests)

    assert [answer.points[0].id for answer in answers] == [_id(3), _id(1)]


def test_a_collection_tells_how_it_was_made(client: QdrantClient) -> None:
    client.create_payload_index("users_1", "kind", models.PayloadSchemaType.KEYWORD)
    client.create_payload_index("users_1", "seen", models.DatetimeIndexParams(type=models.DatetimeIndexType.DATETIME))
    client.upsert("users_1", [_point(1, kind="cat"), _point(2)])

    info = client.get_collection("users")

    vectors = info.config.params.vectors
    assert isinstance(vectors, models.VectorParams)
    assert (vectors.size, vectors.distance) == (SIZE, models.Distance.DOT)
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (24, 100)
    indexes = {key: (index.data_type.value, index.points) for key, index in info.payload_schema.items()}
    assert indexes == {"kind": ("keyword", 1), "seen": ("datetime", 0)}
    assert (info.status, info.points_count) == (models.CollectionStatus.GREEN, 2)


def test_an_alias_is_switched_in_one_step(client: QdrantClient) -> None:
    _make(client, "users_2")
    with pytest.raises(UnexpectedResponse) as caught:
        client.update_collection_aliases([_removal("users"), _creation("users", "nowhere")])
    assert (caught.value.status_code, _aliases(client)) == (404, {"users": "users_1"})

    client.update_collection_aliases([_removal("users"), _creation("users", "users_2")])

    assert _aliases(client) == {"users": "users_2"}
    assert [alias.alias_name for alias in client.get_collection_aliases("users_2").aliases] == ["users"]
    assert client.get_collection_aliases("users_1").aliases == []


def test_a_collection_goes_with_its_aliases(client: QdrantClient) -> None:
    assert not client.delete_collection("users")  # an alias is not a collection
    assert client.delete_collection("users_1")

    assert _aliases(client) == {}
    assert not client.collection_exists("users")
    assert client.get_collections().collections == []


def test_a_collection_that_is_not_there_is_not_found(client: QdrantClient) -> None:
    name = "nowhere"
    for use in (
        lambda: client.get_collection(name),
        lambda: client.upsert(name, [_point(1)]),
        lambda: client.retrieve(name, [_id(1)]),
        lambda: client.scroll(name),
        lambda: client.delete(name, models.PointIdsList(points=[_id(1)])),
        lambda: client.query_points(name, _unit_vector(1).tolist()),
        lambda: client.count(name),
        lambda: client.create_payload_index(name, "kind", models.PayloadSchemaType.KEYWORD),
    ):
        assert _refusal(use) == (404, f"Not found: Collection `{name}` doesn't exist!")


def test_names_are_given_once(client: QdrantClient) -> None:
    _make(client, "users_2")
    exists = "already exists"

    assert _refusal(lambda: _make(client, "users_1")) == (409, f"Wrong input: Collection `users_1` {exists}!")
    status, text = _refusal(lambda: _make(client, "users"))
    assert (status, text.endswith(f"Alias with the same name {exists}")) == (400, True)
    assert _refusal(lambda: _point_alias(client, "users_2", "users_1"))[0] == 409


def test_a_vector_of_another_length_is_refused_with_all_of_its_batch(client: QdrantClient) -> None:
    wrong = models.PointStruct(id=_id(2), vector=[1.0, 0.0, 0.0, 0.0])
    refusal = (400, f"Wrong input: Vector dimension error: expected dim: {SIZE}, got 4")

    assert _refusal(lambda: client.upsert("users_1", [_point(1), wrong])) == refusal
    assert _refusal(lambda: client.query_points("users_1", [1.0, 0.0, 0.0, 0.0])) == refusal
    assert client.count("users_1").count == 0


@pytest.mark.parametrize("id_", [-1, "somebody"])
def test_an_id_is_a_number_or_a_uuid(client: QdrantClient, id_: Any) -> None:
    point = models.PointStruct(id=id_, vector=_unit_vector(1).tolist())

    for use in (
        lambda: client.upsert("users_1", [point]),
        lambda: client.retrieve("users_1", [id_]),
        lambda: client.delete("users_1", models.PointIdsList(points=[id_])),
    ):
        status, text = _refusal(use)
        assert (status, f"value {id_} is not a valid point ID" in text) == (400, True)


def test_a_body_of_more_than_32_mib_is_refused(client: QdrantClient) -> None:
    status, text = _refusal(lambda: client.upsert("users_1", [_point(1, note="x" * 33_554_432)]))

    assert (status, text.endswith("is larger than allowed (limit: 33554432 bytes).")) == (400, True)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, b"Must provide an API key or an Authorization bearer token"),
        ({"api-key": "wrong"}, b"Invalid API key or JWT"),
    ],
)
def test_a_key_is_needed_for_all_but_the_version(
    qdrant_server: QdrantServer, qdrant_url: str, headers: dict[str, str], why: bytes
) -> None:
    if urlsplit(qdrant_url).password is None:
        pytest.skip("this Qdrant takes no key")
    with closing(QdrantClient(url=_address(qdrant_url), headers=headers, check_compatibility=False)) as stranger:
        assert stranger.info().version == qdrant_server.version
        with pytest.raises(UnexpectedResponse) as caught:
            stranger.get_collections()
    assert (caught.value.status_code, caught.value.content) == (401, why)


def test_what_is_stored_survives_a_kill(qdrant_server: QdrantServer, client: QdrantClient) -> None:
    client.create_payload_index("users_1", "kind", models.PayloadSchemaType.KEYWORD)
    client.upsert("users_1", [_point(number, kind="dog\n") for number in range(9)])
    client.delete("users_1", models.PointIdsList(points=[_id(3)]))
    before = client.scroll("users_1", limit=99, with_vectors=True), client.get_collection("users_1")

    qdrant_server.kill()
    with pytest.raises(ResponseHandlingException):
        client.get_collections()
    qdrant_server.start()

    assert (client.scroll("users", limit=99, with_vectors=True), client.get_collection("users_1")) == before
    assert _aliases(client) == {"users": "users_1"}


def test_what_is_stored_survives_two_stops(qdrant_server: QdrantServer, client: QdrantClient) -> None:
    for number in (1, 2):
        client.upsert("users_1", [_point(number)])
        qdrant_server.stop()
        qdrant_server.start()

    assert _scrolled(client) == [_id(1), _id(2)]


def test_what_was_sent_in_several_lines_survives(
    qdrant_server: QdrantServer, qdrant_url: str, client: QdrantClient
) -> None:
    body = json.dumps({"points": [_point(1).model_dump()]}, indent=1)
    key = {"api-key": urlsplit(qdrant_url).password or ""}
    assert httpx.put(f"{_address(qdrant_url)}/collections/users_1/points", content=body, headers=key).is_success

    qdrant_server.kill()
    qdrant_server.start()

    assert _scrolled(client) == [_id(1)]


def test_half_a_change_is_forgotten(qdrant_server: QdrantServer, client: QdrantClient) -> None:
    if qdrant_server.origin != "stand-in":
        pytest.skip("it is about the stand-in's file")
    client.upsert("users_1", [_point(1)])
    qdrant_server.kill()
    changes = qdrant_server.runner.folder / "changes"
    with changes.open("ab") as file:
        file.write(changes.read_bytes().splitlines()[-1][:-1])
    qdrant_server.start()

    client.upsert("users_1", [_point(2)])
    qdrant_server.kill()
    qdrant_server.start()

    assert _scrolled(client) == [_id(1), _id(2)]


def _address(url: str) -> str:
    """The URL without its key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6333}"


def _make(client: QdrantClient, name: str) -> None:
    vectors = models.VectorParams(size=SIZE, distance=models.Distance.DOT)
    client.create_collection(name, vectors_config=vectors, hnsw_config=models.HnswConfigDiff(m=24))


def _point_alias(client: QdrantClient, alias: str, collection: str) -> None:
    client.update_collection_aliases([_creation(alias, collection)])


def _creation(alias: str, collection: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias))


def _removal(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


def _aliases(client: QdrantClient) -> dict[str, str]:
    return {alias.alias_name: alias.collection_name for alias in client.get_aliases().aliases}


def _kind(kind: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key="kind", match=models.MatchValue(value=kind))])


def _scrolled(client: QdrantClient, page: int = 100) -> Sequence[Any]:
    """The ids of all points, from pages of this size."""
    ids, offset = [], None
    for _ in range(20):
        records, offset = client.scroll("users_1", limit=page, offset=offset)
        ids += [record.id for record in records]
        if offset is None:
            return ids
    raise AssertionError("the pages do not end")


def _refusal(use: Any) -> tuple[int | None, str]:
    """With which status and words this is refused."""
    with pytest.raises(UnexpectedResponse) as caught:
        use()
    return caught.value.status_code, caught.value.structured()["status"]["error"]


def _point(number: int, vector: Any = None, **payload: str) -> models.PointStruct:
    values = vector if vector is not None else _unit_vector(number)
    return models.PointStruct(id=_id(number), vector=values.tolist(), payload=payload)


def _id(number: int) -> str:
    return str(UUID(int=number))


def _unit_vector(seed: int) -> Any:
    vector = np.random.default_rng(seed).normal(size=SIZE)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
