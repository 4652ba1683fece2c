"""Routes behind the gate: they ask first who may pass, and take no parameter that they do not know."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from adapters.http.descriptions import SECURITY_SCHEMES
from adapters.http.headers import MORE
from adapters.http.problems import unknown_name
from adapters.http.service import Gate, Scope


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

            async def guarded(request: Request) -> Response:
                headers = await gate(request, scope)
                request.scope[MORE].extend((name.lower().encode(), value.encode()) for name, value in headers.items())
                _check_query(request, known)
                return await handle(request)

            return guarded

    return Guarded


def _check_query(request: Request, known: Sequence[str]) -> None:
    for name in request.query_params if request.scope["query_string"] else ():
        if name not in known:
            raise unknown_name(name, "parameter", known)
