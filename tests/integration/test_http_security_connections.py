"""More connections to the HTTP server than there may be."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.http_api import Api
from tests.integration.raw_http import (
    VIEW,
    alone,
    answer_of,
    assert_serves,
    connected,
    others_are_served_afterwards,  # noqa: F401
    post,
    request,
)

CONNECTIONS = 20
PATIENCE = "60"
"""Seconds, more than a client needs on a busy machine."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    limits = {"PENCHANT_HTTP_TIMEOUT": PATIENCE, "PENCHANT_HTTP_MAX_CONNECTIONS": str(CONNECTIONS)}
    with alone(tmp_path_factory.mktemp("connections"), **limits) as api:
        yield api


def test_of_more_connections_than_there_may_be_the_longest_idle_are_sent_away(api: Api) -> None:
    with ExitStack() as stack:
        assert_serves(api)  # keeps its connection
        idle = [stack.enter_context(connected(api)) for _ in range(2 * CONNECTIONS)]

        answers = [answer_of(connection) for connection in idle[:CONNECTIONS]]
        assert_serves(api)  # on another connection: its own was the first to be sent away
        idle[-1].sendall(request("GET /health HTTP/1.1\nHost: localhost\n"))

        assert answer_of(idle[-1]).status == 200
    assert {(answer.status, answer.kind) for answer in answers} == {(503, "busy")}
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    assert 1 <= len(api.process.journal("connections_full")) < CONNECTIONS


def test_connections_whose_requests_are_answered_make_room_for_others_too(api: Api) -> None:
    with ExitStack() as stack:
        for _ in range(2 * CONNECTIONS):
            held = stack.enter_context(connected(api))
            held.sendall(request("GET /health HTTP/1.1\nHost: localhost\n"))

            assert answer_of(held).status == 200


def test_who_is_busy_with_a_request_is_not_sent_away_and_the_newest_is(api: Api) -> None:
    with ExitStack() as stack:
        busy = [stack.enter_context(connected(api)) for _ in range(CONNECTIONS)]
        for connection in busy:
            connection.sendall(post(VIEW[:1], f"Content-Length: {len(VIEW)}", "Expect: 100-continue"))
        for connection in busy:
            assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        with connected(api) as newest:
            assert answer_of(newest).status == 503

        for connection in busy:
            connection.sendall(VIEW[1:])

        assert {answer_of(connection).status for connection in busy} == {202}
