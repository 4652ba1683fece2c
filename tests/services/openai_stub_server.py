"""The process of the OpenAI stub: `python openai_stub_server.py HOST PORT`."""

import json
import socket
import sys
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from openai_embeddings import API_KEY, Refused, answer, inputs_of

VERSION = "1"

Headers = Mapping[str, str]


class Behaviour:
    """How the stub is to answer, and what it was asked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._calls: list[dict[str, Any]] = []
        self.recover()

    def recover(self) -> None:
        with self._lock:
            self._failure: dict[str, Any] | None = None
            self._delay: dict[str, Any] | None = None

    def fail(self, failure: dict[str, Any]) -> None:
        with self._lock:
            self._failure = failure

    def delay(self, delay: dict[str, Any]) -> None:
        with self._lock:
            self._delay = delay

    def next_delay(self) -> float:
        """How long the call at hand takes."""
        with self._lock:
            return self._delay["seconds"] if _use(self._delay) and self._delay else 0.0

    def next_failure(self) -> dict[str, Any] | None:
        """How the call at hand fails, if it does."""
        with self._lock:
            return self._failure if _use(self._failure) else None

    def remember(self, call: dict[str, Any]) -> None:
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._calls)


def _use(what: dict[str, Any] | None) -> bool:
    """Whether it holds for the call at hand; if it holds for some calls only, count this one."""
    if what is None or what["times"] == 0:
        return False
    if what["times"] is not None:
        what["times"] -= 1
    return True


class Handler(BaseHTTPRequestHandler):
    """Embeddings under /v1, control by the tests under /control."""

    protocol_version = "HTTP/1.1"
    behaviour: Behaviour

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.path == "/v1/embeddings":
            self._embed(body)
        else:
            self._control(body)

    def do_GET(self) -> None:
        self._control({})

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """No log: the calls are kept."""

    def _embed(self, request: dict[str, Any]) -> None:
        started = time.time()
        time.sleep(self.behaviour.next_delay())
        status, body, headers = self._answer(request)
        self.behaviour.remember(
            {
                "at": started,
                "inputs": inputs_of(request),
                "model": request.get("model"),
                "dimensions": request.get("dimensions"),
                "status": status,
            }
        )
        self._send(status, body, headers)

    def _answer(self, request: dict[str, Any]) -> tuple[int, Any, Headers]:
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            return 401, _error("invalid_api_key", "Incorrect API key provided."), {}
        if failure := self.behaviour.next_failure():
            after = failure["retry_after"]
            return failure["status"], _error("stub", "as the test wants it"), {"Retry-After": after} if after else {}
        try:
            return 200, answer(request), {}
        except Refused as error:
            return error.status, _error(error.code, str(error)), {}

    def _control(self, body: dict[str, Any]) -> None:
        behaviour = self.behaviour
        actions: dict[str, Callable[[], Any]] = {
            "/control/version": lambda: {"version": VERSION},
            "/control/calls": behaviour.calls,
            "/control/count": lambda: {"count": len(behaviour.calls())},
            "/control/reset": behaviour.reset,
            "/control/recover": behaviour.recover,
            "/control/fail": lambda: behaviour.fail(body),
            "/control/delay": lambda: behaviour.delay(body),
        }
        action = actions.get(self.path)
        if action is None:
            self._send(404, _error("not_found", f"Unknown request URL: {self.command} {self.path}."), {})
        else:
            self._send(200, action(), {})

    def _send(self, status: int, body: Any, headers: Headers) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


class Stub(ThreadingHTTPServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news: slow answers are there to make it do so."""

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request(request, client_address)


def _error(code: str, message: str) -> dict[str, Any]:
    kind = "invalid_request_error" if code != "stub" else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def main(host: str, port: str) -> None:
    """Answer until killed."""
    Handler.behaviour = Behaviour()
    Stub((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
