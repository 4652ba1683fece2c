"""How many requests there are, of which route, with which status, how long they take, and what they belong to."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic

from attrs import define, field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.ports.system import Metrics
from application.ports.tracer import Tracer

NO_ROUTE = "none"
NOTES = "penchant.notes"
"""The key of the ASGI scope under which those below leave for whoever measures what only they know."""


@define
class Notes:
    """What is known of a request."""

    route: str = NO_ROUTE
    key: str = ""
    """The name of the key that it came with."""
    problems: list[str] = field(factory=list)
    """The kinds of refusals: of all of it, or of events of its batch."""


class MeasureRequests:
    """Middleware: the outermost, so that refusals are counted, and traced, too."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = monotonic(), 500
        notes = Notes()

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.span("request", _trace_in(scope)) as span:
            try:
                await self._app({**scope, NOTES: notes}, receive, noting_status)
            finally:
                span.note(route=notes.route, status=status)
                self._metrics.count("penchant_http_requests_total", route=notes.route, status=str(status))
                self._metrics.observe("penchant_http_request_seconds", monotonic() - started, route=notes.route)
                for kind, times in Counter(notes.problems).items():
                    self._metrics.count("penchant_http_problems_total", times, kind=kind, key=notes.key)


def _trace_in(scope: Scope) -> Iterator[str]:
    return (value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent")


class NoteRoute:
    """Middleware around the router: notes which route it has found, by its template, so that there are only so many."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            route = scope.get("route")
            if route is not None and scope["method"] in route.methods:
                scope[NOTES].route = f"{scope['method']} {route.path}"
