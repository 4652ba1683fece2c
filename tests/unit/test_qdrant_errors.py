"""What is read in the address of Qdrant, and what its client's errors are called and tell."""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient, models

from adapters.qdrant.server import CONNECT_SECONDS, TIMEOUT_SECONDS, Address, QdrantServer, connect
from domain.errors import (
    ConfigurationError,
    NotSetUpError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)

KEY = "s3cret-key"
URL = f"http://:{KEY}@db.example:6333"
QUOTED = "zebrafinch"
VECTOR = [0.125]
Reply = Callable[[httpx.Request], httpx.Response]


def _server(reply: Reply) -> QdrantServer:
    """A server that answers as it is told to, with the real client before it."""

    def connected(address: Address) -> QdrantClient:
        return QdrantClient(url=address.url, transport=httpx.MockTransport(reply), check_compatibility=False)

    return QdrantServer(URL, connect=connected)


def _says(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    body = {"status": {"error": f"{text} {QUOTED}"}, "time": 0.0}
    return lambda _: httpx.Response(status, json=body, headers=headers)


def _error(reply: Reply) -> PenchantError:
    server = _server(reply)
    with pytest.raises(PenchantError) as caught, server.translated() as client:
        client.upsert("users", [models.PointStruct(id=1, vector=VECTOR, payload={"text": QUOTED})])
    server.dispose()
    return caught.value


def _fail(error: Exception) -> Reply:
    def reply(_: httpx.Request) -> httpx.Response:
        raise error

    return reply


ANSWERS = [
    pytest.param(
        _says(400, "Wrong input: Vector dimension error: expected dim: 4, got 1"), PermanentError, id="length"
    ),
    pytest.param(_says(400, "Format error in JSON body:"), PermanentError, id="malformed"),
    pytest.param(_says(400, "Out of memory"), PermanentError, id="a text that only sounds so"),
    pytest.param(_says(413), PermanentError, id="too large"),
    pytest.param(_says(401, "Must provide an API key"), ConfigurationError, id="no key"),
    pytest.param(_says(403, "Forbidden:"), ConfigurationError, id="not allowed"),
    pytest.param(_says(403, "Storage locked: by me"), UnavailableError, id="locked"),
    pytest.param(_says(404, "Not found: Collection `users` doesn't exist!"), NotSetUpError, id="no collection"),
    pytest.param(_says(404), ConfigurationError, id="no such page"),
    pytest.param(lambda _: httpx.Response(301, headers={"location": "/"}), ConfigurationError, id="elsewhere"),
    pytest.param(_says(408, "Timeout:"), TransientError, id="too slow"),
    pytest.param(_says(409), TransientError, id="a conflict"),
    pytest.param(_says(429), UnavailableError, id="too many requests"),
    pytest.param(_says(429, headers={"retry-after": "soon"}), UnavailableError, id="a pause that is none"),
    pytest.param(_says(500, "Service internal error:"), UnavailableError, id="internal"),
    pytest.param(_says(503, "Shard temporarily unavailable:"), UnavailableError, id="unavailable"),
    pytest.param(_says(500, "Service internal error: No space left on device: WAL"), StorageFullError, id="disk"),
    pytest.param(_says(500, "Out of memory, free: 1"), StorageFullError, id="memory"),
    pytest.param(_says(507), StorageFullError, id="storage"),
    pytest.param(lambda _: httpx.Response(200, text=f"<p>{QUOTED}</p>"), UnavailableError, id="a page"),
    pytest.param(lambda _: httpx.Response(200, json={}), UnavailableError, id="an empty answer"),
    pytest.param(lambda _: httpx.Response(200, json={"result": QUOTED}), UnavailableError, id="another answer"),
    pytest.param(_fail(httpx.ConnectError("[Errno 111] Connection refused")), UnavailableError, id="refused"),
    pytest.param(_fail(httpx.ReadTimeout("timed out")), UnavailableError, id="silent"),
    pytest.param(_fail(httpx.RemoteProtocolError("disconnected")), UnavailableError, id="hung up"),
]


@pytest.mark.parametrize(("reply", "kind"), ANSWERS)
def test_each_answer_is_an_error_of_its_kind_and_quotes_nothing(reply: Reply, kind: type[PenchantError]) -> None:
    error = _error(reply)

    assert type(error) is kind
    told = "".join(traceback.format_exception(error))
    assert "http://db.example:6333 (QDRANT_URL)" in str(error)
    assert not any(secret in told for secret in (QUOTED, KEY, str(VECTOR[0])))


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_asked_for_is_passed_on(status: int) -> None:
    error = _error(_says(status, headers={"retry-after": "7"}))

    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds == 7


def test_vectors_of_another_length_are_called_so() -> None:
    text = str(_error(_says(400, "Wrong input: Vector dimension error: expected dim: 256, got 1536")))

    assert "vectors of 1536 dimensions where there are 256" in text


def test_what_cannot_be_sent_is_permanent_and_not_quoted() -> None:
    server = _server(_says(200))
    with pytest.raises(PermanentError) as caught, server.translated() as client:
        client.upsert("users", [models.PointStruct(id=1, vector=QUOTED)])  # type: ignore[arg-type]
    server.dispose()

    assert QUOTED not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "address", "key"),
    [
        ("http://localhost", "http://localhost:6333", None),
        ("http://localhost:80/", "http://localhost:80", None),
        ("https://:k%40%3A%2F%25@db.example", "https://db.example:6333", "k@:/%"),
        ("https://anything:key@db.example:443/a/prefix/", "https://db.example:443/a/prefix", "key"),
        ("http://[::1]:7", "http://[::1]:7", None),
    ],
)
def test_an_address_is_read(url: str, address: str, key: str | None) -> None:
    seen: list[Address] = []

    def connected(found: Address) -> Any:
        seen.append(found)
        return QdrantClient(":memory:")

    server = QdrantServer(url, connect=connected)
    with server.translated(), server.translated():
        pass

    assert [(one.url, one.api_key) for one in seen] == [(address, key)]
    assert server.where == f"the Qdrant server at {address} (QDRANT_URL)"
    assert key is None or key not in repr(seen[0])


@pytest.mark.parametrize(
    "url",
    [
        "db.example:6333",
        "grpc://:s3cret@db.example",
        "http://",
        "http://:s3cret@",
        "http://:s3/cret@db.example",
        "http://:s3cret@db.example:port",
        "http://:s3cret@db.example:6333?timeout=1",
        "http://s3cret@db.example",
        "http://:s3cret%0a@db.example",
        "http://:s3cret%C3%A9@db.example",
        "http://:s3cret@[db.example",
        "http://:s3cret@a b",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        QdrantServer(url, setting="THE_SETTING")

    assert "THE_SETTING cannot be read as http://:key@host:6333" in str(caught.value)
    assert "s3" not in str(caught.value)


def test_the_client_sends_the_key_connects_quickly_and_waits_longer_for_an_answer() -> None:
    client = connect(Address(url="http://db.example:6333", api_key=KEY, timeout_seconds=TIMEOUT_SECONDS))
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"title": "qdrant", "version": "1.19.1"})

    client.http.client._client._transport = httpx.MockTransport(reply)
    client.info()
    client.close()

    assert seen[0].headers["api-key"] == KEY
    timeouts = seen[0].extensions["timeout"]
    assert (timeouts["connect"], timeouts["read"]) == (CONNECT_SECONDS, TIMEOUT_SECONDS)
