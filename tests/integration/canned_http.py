"""An HTTP server that gives the answers that a test lays out, for what no well-behaved service would send."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from attrs import define, field, frozen

from tests.services.ports import LOOPBACK


@frozen(kw_only=True)
class Answer:
    """An answer: JSON, unless its headers say otherwise."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(factory=dict)

    @property
    def raw(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@define(kw_only=True, eq=False)
class CannedHttp:
    """A server on the loopback interface. It gives `answers` in turn, and keeps what it was sent."""

    url: str
    answers: deque[Answer] = field(factory=deque)
    requests: list[Any] = field(factory=list)


@contextmanager
def canned_http() -> Iterator[CannedHttp]:
    """A server that runs until the block ends."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    server.daemon_threads = True
    _Handler.canned = CannedHttp(url=f"http://{LOOPBACK}:{server.server_address[1]}/v1")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield _Handler.canned
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    canned: CannedHttp

    def do_POST(self) -> None:
        self.canned.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answer = self.canned.answers.popleft()
        self.send_response_only(answer.status)  # with no Date of its own: a test may send one
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.raw))} | dict(answer.headers)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.raw)
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """No log."""
