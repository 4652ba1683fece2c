"""How many requests there are, of which route, with which status, how long they take, and what they belong to."""

from collections.abc import Iterator
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.ports.system import Metrics
from application.ports.tracer import Tracer

NO_ROUTE = "none"
_ROUTE = "penchant.route"
"""The key of the ASGI scope under which the route is left for whoever measures."""


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
        route: list[str] = []

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.span("request", _trace_in(scope)) as span:
            try:
                await self._app({**scope, _ROUTE: route}, receive, noting_status)
            finally:
                name = route[0] if route else NO_ROUTE
                span.note(route=name, status=status)
                self._metrics.count("penchant_http_requests_total", route=name, status=str(status))
                self._metrics.observe("penchant_http_request_seconds", monotonic() - started, route=name)


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
            if _ROUTE in scope and route is not None and scope["method"] in route.methods:
                scope[_ROUTE].append(f"{scope['method']} {route.path}")
