"""Routes behind the gate, which ask first who may pass and take only parameters that they know; and HEAD for all."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from adapters.http.descriptions import SECURITY_SCHEMES
from adapters.http.headers import MORE
from adapters.http.problems import unknown_name
from adapters.http.service import Gate, Scope
from domain.errors import InvalidValueError


def guarded_by(gate: Gate, scope: Scope) -> type[APIRoute]:
    """The class of the routes that are for who has the scope; the OpenAPI document says so.

    A dependency of FastAPI would do the same, and took a tenth of what a request costs beside the log.
    """

    class Guarded(APIRoute):
        def __init__(
            self, path: str, *arguments: Any, openapi_extra: dict[str, Any] | None = None, **named: Any
        ) -> None:
            security = [{scheme: [scope]} for scheme in SECURITY_SCHEMES]
            extra = {**(openapi_extra if openapi_extra is not None else {}), "security": security}
            super().__init__(path, *arguments, openapi_extra=extra, **named)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()
            known = [parameter.alias for parameter in self.dependant.query_params]
            lists = [parameter.alias for parameter in self.dependant.query_params if _is_list(parameter)]

            async def guarded(request: Request) -> Response:
                headers = await gate(request, scope)
                if headers:
                    request.scope[MORE].extend(
                        (name.lower().encode(), value.encode()) for name, value in headers.items()
                    )
                if request.scope["query_string"]:
                    _check_query(request.query_params, known, lists)
                return await handle(request)

            return guarded

    return Guarded


def _is_list(parameter: Any) -> bool:
    return get_origin(parameter.field_info.annotation) is list


def _check_query(query: QueryParams, known: Sequence[str], lists: Sequence[str]) -> None:
    for name, times in Counter(name for name, _ in query.multi_items()).items():
        if name not in known:
            raise unknown_name(name, "parameter", known)
        if times > 1 and name not in lists:
            raise InvalidValueError(name, f"comes {times} times", "send it once")


class HeadAsGet:
    """Middleware: HEAD is answered, and measured, as GET is; the server itself leaves the body away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
