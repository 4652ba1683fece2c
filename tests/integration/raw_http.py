"""A client of the HTTP API that sends what it likes, byte by byte."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import frozen

from tests.integration.http_api import Api, serving, starting
from tests.integration.program import Program

PATIENCE_SECONDS = 30.0
VIEW = b'{"user_id": "ann", "event_type": "view", "product_id": "mug"}'
CLOSED = b""


@frozen(kw_only=True)
class Answer:
    """What came back, as far as it came."""

    status: int | None
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return str(json.loads(self.body)["type"]).rpartition(":")[2]


@contextmanager
def alone(folder: Path, **variables: str) -> Iterator[Api]:
    """An API on a fresh home."""
    with serving(starting(Program(home=folder / "home", folder=folder)), **variables) as api:
        yield api


@pytest.fixture(autouse=True, name="_others_are_served_afterwards")
def others_are_served_afterwards(api: Api) -> Iterator[None]:
    """Whatever a test has sent to the API of its module."""
    yield
    assert_serves(api)
    assert not api.process.journal("request_failed")


@contextmanager
def connected(api: Api, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection."""
    address = urlsplit(api.url)
    with closing(socket.socket()) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((address.hostname, address.port))
        yield connection


def request(head: str, body: bytes = b"") -> bytes:
    """Head and body as they are sent."""
    return head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body


def post(body: bytes = VIEW, *headers: str) -> bytes:
    """An event as it is sent; the headers say how long it is."""
    lines = ["POST /events HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return request("\n".join(lines) + "\n", body)


def assert_serves(api: Api) -> None:
    """Another client is answered, and its event is accepted."""
    answer = api.post("/events", {"user_id": "bob", "event_type": "view", "product_id": "mug"})
    assert (answer.status_code, api.get("/health").status_code) == (202, 200)


def answer_of(connection: socket.socket) -> Answer:
    """The next answer, or the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = received_from(connection)
        if part == CLOSED:
            return Answer(status=None, headers={}, body=received)
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        part = received_from(connection)
        assert part != CLOSED, f"only {len(body)} bytes of the body came"
        body += part
    return Answer(status=int(status.split()[1]), headers=headers, body=body)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection, sooner or later."""
    return received_from(connection) == CLOSED


def refused(api: Api, sent: bytes) -> Answer:
    """Send it, see that others are served, and return the answer, after which the connection is closed."""
    with connected(api) as connection:
        send(connection, sent)
        assert_serves(api)
        answer = answer_of(connection)
        assert is_closed(connection)
    return answer


def send(connection: socket.socket, sent: bytes) -> None:
    """Send as much as the server takes."""
    with suppress(ConnectionError):
        connection.sendall(sent)


def received_from(connection: socket.socket) -> bytes:
    """What comes next; `CLOSED` at the end of the connection."""
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return CLOSED


def refusals(api: Api) -> dict[str, float]:
    """How many were refused until now, by kind."""
    lines = re.findall(r'^penchant_http_refusals_total{kind="(.+)"} (.+)$', api.get("/metrics").text, re.MULTILINE)
    return {kind: float(count) for kind, count in lines}
