"""What the HTTP server takes from raw sockets: each attack is refused with the right status while others are served."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.integration.http_api import Api
from tests.integration.program import Program
from tests.integration.raw_http import (
    CLOSED,
    VIEW,
    alone,
    answer_of,
    assert_serves,
    connected,
    is_closed,
    others_are_served_afterwards,  # noqa: F401
    post,
    received_from,
    refusals,
    refused,
    request,
    send,
)

PATIENCE = "60"
"""Seconds, more than a client needs on a busy machine."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with alone(tmp_path_factory.mktemp("server"), PENCHANT_HTTP_TIMEOUT=PATIENCE) as api:
        yield api


@pytest.mark.parametrize(
    "sent",
    [
        request("GET /health HTTP/1.1\nHost: localhost\nX-Bomb: " + "a" * 40_000 + "\n"),
        request("GET /health HTTP/1.1\nHost: localhost\nX-Bomb: " + "a" * 10_000_000),
        request("GET /health HTTP/1.1\n" + "".join(f"X-{number}: a\n" for number in range(200))),
        request("GET /health HTTP/1.1\n" + "".join(f"X-{number}: {'a' * 1_000}\n" for number in range(40))),
        b"GET /health HTTP/1.1\r\n" + b"A" * 1_000_000,
        request("GET /" + "a" * 40_000 + " HTTP/1.1\n"),
        request("GET /" + "a" * 10_000_000),
    ],
    ids=["large", "endless", "many", "many-large", "endless-name", "large-path", "endless-path"],
)
def test_headers_that_are_too_large_or_too_many_are_refused(api: Api, sent: bytes) -> None:
    answer = refused(api, sent)

    assert (answer.status, answer.kind) == (431, "headers-too-large")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_headers_of_usual_size_pass_in_pieces(api: Api) -> None:
    head = "GET /health HTTP/1.1\nHost: localhost\n" + "".join(f"X-{number}: {'a' * 200}\n" for number in range(90))
    with connected(api) as connection:
        for byte in (sent := request(head))[:300]:
            connection.sendall(bytes([byte]))
        connection.sendall(sent[300:])

        assert answer_of(connection).status == 200


def test_a_body_of_100_mb_is_refused_at_once(api: Api) -> None:
    with connected(api) as connection:
        connection.sendall(post(b"", "Content-Length: 104857600"))  # and not a byte of it

        answer = answer_of(connection)

        assert (answer.status, answer.kind) == (413, "too-large")
        assert is_closed(connection)


@pytest.mark.parametrize(
    ("piece", "times", "header"),
    [
        (b"a" * 65_536, 1_600, "Content-Length: 104857600"),
        (b"10000\r\n" + b"a" * 65_536 + b"\r\n", 1_600, "Transfer-Encoding: chunked"),
    ],
    ids=["announced", "in-chunks"],
)
def test_a_body_of_100_mb_that_is_sent_all_the_same_is_refused(api: Api, piece: bytes, times: int, header: str) -> None:
    answer = refused(api, post(piece * times, header))

    assert (answer.status, answer.kind) == (413, "too-large")


def test_what_stands_between_chunks_and_behind_them_is_not_endless(api: Api) -> None:
    with connected(api) as connection:
        send(connection, post(b"1\r\n{\r\n0\r\nX-Trailer: " + b"a" * 20_000_000, "Transfer-Encoding: chunked"))
        assert_serves(api)

        assert is_closed(connection)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        request("GET /health HTTP/9.9\n"),
        request("BREW /health HTTP/1.1\n"),
        request("GET /health HTTP/1.1\nHost localhost\n"),
        request("GET /health HTTP/1.1\nHo st: shop\n"),
        request("GET /he alth HTTP/1.1\n"),
        request("GET /\x00 HTTP/1.1\n"),
        request("GET /é HTTP/1.1\n"),
        request("GET health HTTP/1.1\n"),
        request("CONNECT shop:80 HTTP/1.1\nHost: localhost\n"),
        post(VIEW, "Content-Length: many"),
        post(VIEW, "Content-Length: -1"),
        post(VIEW, "Content-Length: 99999999999999999999999"),
        post(VIEW, "Content-Length: 10", "Content-Length: 11"),
        post(VIEW, "Content-Length: 10, 11"),
        post(VIEW, "Content-Length: 10", "Transfer-Encoding: chunked"),
        post(b"zz\r\n", "Transfer-Encoding: chunked"),
        post(VIEW, "Transfer-Encoding: gzip"),
    ],
)
def test_what_is_not_http_is_refused(api: Api, sent: bytes) -> None:
    answer = refused(api, sent)

    assert (answer.status, answer.kind) == (400, "malformed")


def test_garbage_behind_a_request_does_not_lose_its_answer(api: Api) -> None:
    with connected(api) as connection:
        connection.sendall(post(VIEW, f"Content-Length: {len(VIEW)}") + b"\x00 garbage \r\n\r\n")
        assert_serves(api)

        assert answer_of(connection).status == 202
        assert is_closed(connection)


def test_requests_in_a_row_are_answered_in_order_up_to_the_first_that_is_none(api: Api) -> None:
    health = request("GET /health HTTP/1.1\nHost: localhost\n")
    with connected(api) as connection:
        nothing = request("GET /nothing HTTP/1.1\nHost: localhost\n")
        connection.sendall(health + nothing + health + b"NONSENSE\r\n\r\n" + health)

        received = b""
        while (part := received_from(connection)) != CLOSED:
            received += part
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"404", b"200"]


def test_a_wish_for_another_protocol_is_not_granted(api: Api) -> None:
    upgrade = (
        "GET /health HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: YQ==\n"
    )
    with connected(api) as connection:
        connection.sendall(request(upgrade))

        assert answer_of(connection).status == 200
    assert "websocket" not in api.process.text.lower()


def test_what_is_refused_is_counted_by_its_kind(api: Api) -> None:
    before = refusals(api)

    for _ in range(2):
        refused(api, request("NONSENSE\n"))
    refused(api, request("GET /" + "a" * 40_000 + " HTTP/1.1\n"))

    after = refusals(api)
    assert {kind: after[kind] - before[kind] for kind in after if after[kind] != before[kind]} == {
        "malformed": 2,
        "headers-too-large": 1,
    }


def test_bad_requests_are_told_in_the_journal_once_in_a_while(api: Api) -> None:
    for _ in range(5):
        assert refused(api, request("NONSENSE\n")).status == 400

    told = [line["sentence"] for line in api.process.journal("library_warning")]
    assert 1 <= told.count("Invalid HTTP request received.") <= 5
    assert all(line.startswith("{") for line in api.process.text.splitlines())


def test_the_journal_begins_with_where_and_for_whom_it_serves(api: Api) -> None:
    (started,) = api.process.journal("api_started")

    assert (started["host"], started["port"], started["keys"]) == ("127.0.0.1", urlsplit(api.url).port, False)


def test_an_address_that_is_taken_is_one_sentence(api: Api, program: Program) -> None:
    outcome = program.process("serve", "--port", str(urlsplit(api.url).port))

    assert outcome.code == 1  # it may be free later, so a supervisor should try again
    assert "Address already in use" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
