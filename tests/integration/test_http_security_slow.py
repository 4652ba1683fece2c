"""Clients that keep the HTTP server waiting: each loses its connection while others are served."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.integration.http_api import Api
from tests.integration.raw_http import (
    CLOSED,
    PATIENCE_SECONDS,
    alone,
    answer_of,
    assert_serves,
    connected,
    is_closed,
    others_are_served_afterwards,  # noqa: F401
    post,
    received_from,
    refusals,
    request,
    send,
)
from tests.services.waiting import wait_until

TIMEOUT_SECONDS = 1.0
"""What the server grants to slow clients here."""
SLOW = 10


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with alone(tmp_path_factory.mktemp("slow"), PENCHANT_HTTP_TIMEOUT=str(TIMEOUT_SECONDS)) as api:
        yield api


def test_headers_that_do_not_come_end_the_connection(api: Api) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(api)) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
        assert_serves(api)

        answers = [answer_of(connection) for connection in slow]

        assert {(answer.status, answer.kind) for answer in answers} == {(408, "slow")}
        assert all(is_closed(connection) for connection in slow)


def test_a_byte_now_and_then_is_no_way_to_hold_a_connection(api: Api) -> None:
    with connected(api) as connection:
        connection.settimeout(TIMEOUT_SECONDS / 10)
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        answer = _trickle(connection, b"a")

    assert b" 408 " in answer.split(b"\r\n")[0]


def test_a_connection_without_a_request_is_closed_silently(api: Api) -> None:
    with connected(api) as connection, connected(api) as blank:
        blank.sendall(b"\r\n")

        assert is_closed(connection)
        assert is_closed(blank)


def test_blank_lines_after_an_answer_do_not_hold_a_connection(api: Api) -> None:
    with connected(api) as connection:
        connection.sendall(request("GET /health HTTP/1.1\nHost: localhost\n"))
        assert answer_of(connection).status == 200
        connection.settimeout(TIMEOUT_SECONDS / 10)

        assert _trickle(connection, b"\r\n") == CLOSED


@pytest.mark.parametrize(
    "sent",
    [
        post(b"{", "Content-Length: 1000"),
        post(b"1\r\n{\r\n", "Transfer-Encoding: chunked"),
        post(b"", "Content-Length: 1000", "Expect: 100-continue"),
    ],
    ids=["announced", "in-chunks", "expecting"],
)
def test_a_body_that_does_not_come_is_refused(api: Api, sent: bytes) -> None:
    with connected(api) as connection:
        connection.sendall(sent)
        assert_serves(api)
        if b"100-continue" in sent:
            assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        answer = answer_of(connection)

        assert (answer.status, answer.kind) == (408, "slow")
        assert is_closed(connection)


def test_who_does_not_take_an_answer_loses_the_connection(api: Api) -> None:
    batch = json.dumps([{"user_id": "x" * 100, "event_type": "none"} for _ in range(1_000)]).encode()
    whole = post(batch, f"Content-Length: {len(batch)}").replace(b"/events", b"/events/batch")
    with connected(api, receive_buffer=4_096) as connection:
        send(connection, whole * 30)
        assert_serves(api)

        wait_until(lambda: not _is_held(api, connection), PATIENCE_SECONDS, "the server to give up")
    assert refusals(api)["not-taken"] == 1


def _trickle(connection: socket.socket, drop: bytes) -> bytes:
    """Send a little again and again until something comes back."""
    for _ in range(int(PATIENCE_SECONDS / TIMEOUT_SECONDS * 10)):
        try:
            connection.sendall(drop)
            return received_from(connection)
        except TimeoutError:
            continue
        except ConnectionError:
            return CLOSED
    return pytest.fail("the connection was held")


def _is_held(api: Api, connection: socket.socket) -> bool:
    """Whether the server has the connection still."""
    ours = connection.getsockname()
    return any(tuple(held.raddr) == ours for held in psutil.Process(api.process.pid).net_connections())
