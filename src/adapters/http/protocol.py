"""What a connection may do to the server before a request has come to the application."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from adapters.http.headers import HEADERS
from adapters.http.problems import Problem
from adapters.http.refusals import BUSY as BUSY_KIND
from adapters.http.refusals import ENDLESS, NOT_TAKEN
from adapters.http.service import Limits

RETRY_AFTER_SECONDS = 1
FRAMING = 2
"""How much larger than its body a message may be that comes in chunks: what stands between them must not be endless."""

BUSY = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    kind=BUSY_KIND,
    detail="There are as many connections as may be.",
    remedy=f"try again after {RETRY_AFTER_SECONDS} second, and let connections go that you do not use",
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)
MALFORMED = Problem(status=HTTPStatus.BAD_REQUEST, kind="malformed", detail="This is not HTTP/1.1 as we take it.")


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's, but with an end to its patience.

    Uvicorn waits for the headers of a request as long as they take, keeps as many as come, and holds an answer for a
    caller who does not take it. Here each has a limit. What is refused gets a problem document and its connection is
    closed; a request before it on the same connection that came whole is answered first. Of too many connections the
    one is refused that has been idle for the longest, so that nobody shuts others out by doing nothing.

    It looks at state of its base class that nobody has promised to keep: tests/integration/test_http_security_server.py
    says whether a new version of uvicorn still does what this needs.
    """

    def __init__(self, *arguments: Any, limits: Limits, refused: Callable[[str], None], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._tell = refused
        self._idle_since = monotonic()
        self._in_headers = False
        self._begins_here = False
        """Whether the message has begun in what is parsed now, so that earlier bytes of it are not the message's."""
        self._received = 0
        self._header_bytes = 0
        self._problem = MALFORMED
        self._refused = False
        self._answered_now: RequestResponseCycle | None = None
        self._for_headers: asyncio.TimerHandle | None = None
        self._for_answer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait_for_headers()
        there = [one for one in cast("set[PatientProtocol]", self.connections) if not one._is_leaving()]
        if len(there) > self._limits.connections:
            idle = [one for one in there if one._idle]
            min(idle, key=lambda one: (one is self, one._idle_since))._refuse(BUSY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting_for_headers()
        self._stop_waiting_for_answer()
        if self._answered_now is not None:
            self._answered_now.disconnected = True  # of several requests in a row the base class knows the last
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_leaving():
            return
        super().data_received(data)
        if self._is_leaving():
            return
        self._received += 0 if self._begins_here else len(data)
        self._begins_here = False
        if self._in_headers and self._received > self._limits.header_bytes:
            self._refuse(self._too_many_headers())
        elif self._body_comes and self._received > self._limits.header_bytes + FRAMING * self._limits.body_bytes:
            self._tell(ENDLESS)
            self.transport.close()
        elif self._in_headers or self._idle:
            self._wait_for_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = self._begins_here = True
        self._received = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_header(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._stop_waiting_for_headers()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(self._problem)

    def _unsupported_upgrade_warning(self) -> None:
        """That a wish for another protocol is not granted is nothing to warn of, and nothing to install for."""

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self._give_up()
        super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._for_answer = self.loop.call_later(self._limits.answer_seconds, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting_for_answer()

    def on_response_complete(self) -> None:
        self._idle_since = monotonic()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered_now = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_leaving(self) -> bool:
        return self._refused or self.transport.is_closing()

    @property
    def _body_comes(self) -> bool:
        return not self._idle and self.cycle.more_body

    def _count_header(self, size: int) -> None:
        """Raises HttpParserError, on which the base class refuses the request."""
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes or len(self.headers) > self._limits.headers:
            self._problem = self._too_many_headers()
            raise httptools.HttpParserError

    def _too_many_headers(self) -> Problem:
        limits = self._limits
        detail = f"Path and headers may have {limits.header_bytes} bytes, and there may be {limits.headers} headers."
        return Problem(status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, kind="headers-too-large", detail=detail)

    def _wait_for_headers(self) -> None:
        if self._for_headers is None:
            self._for_headers = self.loop.call_later(self._limits.header_seconds, self._headers_are_late)

    def _stop_waiting_for_headers(self) -> None:
        if self._for_headers is not None:
            self._for_headers.cancel()
            self._for_headers = None

    def _stop_waiting_for_answer(self) -> None:
        if self._for_answer is not None:
            self._for_answer.cancel()
            self._for_answer = None

    def _headers_are_late(self) -> None:
        if self._in_headers:
            detail = f"The headers did not come within {self._limits.header_seconds:g} seconds."
            self._refuse(Problem(status=HTTPStatus.REQUEST_TIMEOUT, kind="slow", detail=detail))
        elif self._idle:
            self.transport.close()

    def _give_up(self) -> None:
        """On who does not take an answer."""
        self._tell(NOT_TAKEN)
        self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        self._refused = True
        self._tell(problem.kind)
        if not self._idle and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        self.transport.write(_answer(problem, self.server_state.default_headers))
        self.transport.close()


def _answer(problem: Problem, headers: list[tuple[bytes, bytes]]) -> bytes:
    response = problem.response()
    lines = [*headers, *response.raw_headers, *HEADERS, (b"connection", b"close")]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    return STATUS_LINE[problem.status] + head + b"\r\n" + bytes(response.body)
