"""What the HTTP server takes from raw sockets: each attack is refused with the right status while others are served."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

import psutil
import pytest
from attrs import frozen

from tests.integration.http_api import Api, serving, starting
from tests.integration.program import Program
from tests.services.waiting import wait_until

TIMEOUT_SECONDS = 1.0
"""What the server grants to slow clients here."""
PATIENCE_SECONDS = 30.0
CONNECTIONS = 20
VIEW = b'{"user_id": "ann", "event_type": "view", "product_id": "mug"}'
CLOSED = b""
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Those that OWASP's REST Security Cheat Sheet asks of an API; Strict-Transport-Security is for who speaks TLS."""


@frozen(kw_only=True)
class Answer:
    """What came back, as far as it came."""

    status: int | None
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return str(json.loads(self.body)["type"]).rpartition(":")[2]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("server")
    program = Program(home=folder / "home", folder=folder)
    variables = {"PENCHANT_HTTP_TIMEOUT": str(TIMEOUT_SECONDS), "PENCHANT_HTTP_MAX_CONNECTIONS": str(CONNECTIONS)}
    with serving(starting(program), **variables) as api:
        yield api


@pytest.fixture(autouse=True)
def _others_are_served_afterwards(api: Api) -> Iterator[None]:
    yield
    assert_serves(api)
    assert not api.process.journal("request_failed")


@contextmanager
def connected(api: Api, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    address = urlsplit(api.url)
    with closing(socket.socket()) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((address.hostname, address.port))
        yield connection


def request(head: str, body: bytes = b"") -> bytes:
    return head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body


def post(body: bytes = VIEW, *headers: str) -> bytes:
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
        part = _received(connection)
        if part == CLOSED:
            return Answer(status=None, headers={}, body=received)
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return Answer(status=int(status.split()[1]), headers=headers, body=body)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection, sooner or later."""
    return _received(connection) == CLOSED


def refused(api: Api, sent: bytes) -> Answer:
    """Send it, see that others are served, and return the answer, after which the connection is closed."""
    with connected(api) as connection:
        _send(connection, sent)
        assert_serves(api)
        answer = answer_of(connection)
        assert is_closed(connection)
    return answer


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


def test_headers_that_do_not_come_end_the_connection(api: Api) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(api)) for _ in range(CONNECTIONS // 2)]
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


def test_a_body_of_100_mb_is_refused_at_once(api: Api) -> None:
    with connected(api) as connection:
        connection.sendall(post(b"", "Content-Length: 104857600"))  # and not a byte of it

        answer = answer_of(connection)

        assert (answer.status, answer.kind) == (413, "too-large")
        assert is_closed(connection)


@pytest.mark.parametrize(
    "sent",
    [
        post(b"a" * 104_857_600, "Content-Length: 104857600"),
        post(b"10000\r\n" + (b"a" * 65_536 + b"\r\n10000\r\n") * 1_600, "Transfer-Encoding: chunked"),
    ],
    ids=["announced", "in-chunks"],
)
def test_a_body_of_100_mb_that_is_sent_all_the_same_is_refused(api: Api, sent: bytes) -> None:
    answer = refused(api, sent)

    assert (answer.status, answer.kind) == (413, "too-large")


def test_what_stands_between_chunks_and_behind_them_is_not_endless(api: Api) -> None:
    with connected(api) as connection:
        _send(connection, post(b"1\r\n{\r\n0\r\nX-Trailer: " + b"a" * 20_000_000, "Transfer-Encoding: chunked"))
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
        while (part := _received(connection)) != CLOSED:
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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("POST", "/events", 415),
        ("GET", "/api/user/nobody/embedding", 404),
        ("OPTIONS", "/events", 405),
        ("GET", "/" + "a" * 40_000, 431),
    ],
)
def test_every_answer_has_the_headers_of_an_api_for_programs_only(
    api: Api, method: str, path: str, status: int
) -> None:
    wish = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}

    answer = api.client.request(method, path, headers=wish)

    assert answer.status_code == status
    assert {name: answer.headers.get_list(name) for name in HEADERS} == {name: [HEADERS[name]] for name in HEADERS}
    assert not [
        name for name in answer.headers if name.startswith("access-control-") or name in ("server", "x-powered-by")
    ]


@pytest.mark.parametrize(
    "host",
    ["Host: evil.example", "Host: evil.example:8080", "Host: localhost.evil.example", "Host: 127.0.0.1.evil.example",
     "Host: 192.168.0.1", "Host: 0.0.0.0", "Host: localhost@evil.example", "Host: [::1", "Host:", "X-None: 1",
     "Host: localhost\nHost: evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/health", "/metrics", "/api/user/ann/explain"])
def test_a_site_whose_name_leads_to_this_machine_gets_nothing_where_no_key_is_needed(
    api: Api, path: str, host: str
) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET {path} HTTP/1.1\n{host}\n"))
        answer = answer_of(connection)

    assert (answer.status, answer.kind) == (421, "host")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"])
def test_this_machine_may_be_called_by_all_of_its_own_names(api: Api, host: str) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET /health HTTP/1.1\nHost: {host}\n"))

        assert answer_of(connection).status == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(api: Api, method: str) -> None:
    answer = api.client.request(method, "/events")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/user/../../health", 404),
        ("/../../etc/passwd", 404),
        ("//health", 404),
        ("/%2e%2e/health", 404),
        ("/api/user/%2e%2e/product/mug/view", 405),
        ("/api/user/%2e%2e/explain", 404),
        ("/api/user/%2F..%2Fbob/explain", 404),
        ("/api/user/ann%2Fexplain", 404),
        ("/api/user/%00/explain", 404),
        ("/api/user/%C0%AF/explain", 422),
        ("/api/user/%E0%80%AF/explain", 422),
        ("/api/user/%ED%A0%80/explain", 422),
        ("/api/user/%F4%90%80%80/explain", 422),
        ("/api/user/%FF%FE/explain", 422),
        ("/api/user/%/explain", 404),
        ("/api/user/%252e/explain", 404),
        ("/api/user/\\..\\bob/explain", 404),
        ("/api/user/ann;admin=1/explain", 404),
        ("/api/user/" + "%41" * 129 + "/explain", 422),
        ("http://elsewhere/api/user/ann/nothing", 404),
        ("*", 404),
    ],
)
def test_tricks_in_paths_reach_nothing(api: Api, path: str, status: int) -> None:
    with connected(api) as connection:
        connection.sendall(request(f"GET {path} HTTP/1.1\nHost: localhost\n"))
        assert_serves(api)

        answer = answer_of(connection)

    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_of_more_connections_than_there_may_be_the_longest_idle_are_sent_away(api: Api) -> None:
    with ExitStack() as stack:
        assert_serves(api)  # keeps its connection
        idle = [stack.enter_context(connected(api)) for _ in range(2 * CONNECTIONS)]
        assert_serves(api)

        answers = [answer_of(connection) for connection in idle[:CONNECTIONS]]
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


def test_what_is_refused_is_counted_by_its_kind(api: Api) -> None:
    before = _refusals(api)

    for _ in range(2):
        refused(api, request("NONSENSE\n"))
    refused(api, request("GET /" + "a" * 40_000 + " HTTP/1.1\n"))

    after = _refusals(api)
    assert {kind: after[kind] - before[kind] for kind in after if after[kind] != before[kind]} == {
        "malformed": 2,
        "headers-too-large": 1,
    }


def test_who_does_not_take_an_answer_loses_the_connection(api: Api) -> None:
    batch = json.dumps([{"user_id": "x" * 100, "event_type": "none"} for _ in range(1_000)]).encode()
    whole = post(batch, f"Content-Length: {len(batch)}").replace(b"/events", b"/events/batch")
    with connected(api, receive_buffer=4_096) as connection:
        _send(connection, whole * 30)
        assert_serves(api)

        assert _is_held(api, connection)
        wait_until(lambda: not _is_held(api, connection), PATIENCE_SECONDS, "the server to give up")


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


def _refusals(api: Api) -> dict[str, float]:
    lines = re.findall(r'^penchant_http_refusals_total{kind="(.+)"} (.+)$', api.get("/metrics").text, re.MULTILINE)
    return {kind: float(count) for kind, count in lines}


def _send(connection: socket.socket, sent: bytes) -> None:
    """Send as much as the server takes."""
    connection.settimeout(2 * TIMEOUT_SECONDS)
    with suppress(ConnectionError, TimeoutError):
        connection.sendall(sent)
    connection.settimeout(PATIENCE_SECONDS)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return CLOSED


def _trickle(connection: socket.socket, drop: bytes) -> bytes:
    """Send a little again and again until something comes back."""
    for _ in range(int(PATIENCE_SECONDS / TIMEOUT_SECONDS * 10)):
        try:
            connection.sendall(drop)
            return _received(connection)
        except TimeoutError:
            continue
        except ConnectionError:
            return CLOSED
    return pytest.fail("the connection was held")


def _is_held(api: Api, connection: socket.socket) -> bool:
    """Whether the server has the connection still."""
    ours = connection.getsockname()
    return any(tuple(held.raddr) == ours for held in psutil.Process(api.process.pid).net_connections())
