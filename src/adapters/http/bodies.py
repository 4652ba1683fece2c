"""Bodies: how large, how slow, and of which type they may be."""

import asyncio
from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import Problem
from adapters.http.service import Limits

_JSON = ("application/json",)
_AS_IT_IS = "identity"
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")
_CLOSE = {"Connection": "close"}


class LimitBodies:
    """Middleware: a body that is too large or comes too slowly is refused, and none is read before it is asked for.

    So who may not send one cannot make the server keep it.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._limits.body_bytes:
            await self._too_large().response()(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        """Receives a body, or raises Problem. The time counts from now on."""
        deadline = asyncio.get_running_loop().time() + self._limits.body_seconds
        size = 0
        complete = False

        async def limited() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise self._slow() from error
            if message["type"] != "http.request":
                detail = "The caller has gone before the body was complete."  # nobody reads it
                raise Problem(status=HTTPStatus.BAD_REQUEST, kind="incomplete", detail=detail)
            size += len(message.get("body", b""))
            if size > self._limits.body_bytes:
                raise self._too_large()
            complete = not message.get("more_body", False)
            return message

        return limited

    def _slow(self) -> Problem:
        detail = f"The body did not come within {self._limits.body_seconds:g} seconds."
        return Problem(status=HTTPStatus.REQUEST_TIMEOUT, kind="slow", detail=detail, headers=_CLOSE)

    def _too_large(self) -> Problem:
        detail = f"A body may have {self._limits.body_bytes} bytes at the most; send fewer events at once."
        return Problem(status=HTTPStatus(413), kind="too-large", detail=detail, headers=_CLOSE)


async def json_body(request: Request) -> bytes:
    """The body of a request that says that it is JSON, and not packed. Raises Problem.

    A page of another site can make a browser send a form, but no JSON without asking first.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        raise Problem(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            kind="media-type",
            detail=f"The body is {kind[:64]!r}.",
            remedy="Send JSON, with Content-Type: application/json.",
        )
    encoding = request.headers.get("content-encoding", _AS_IT_IS).strip().lower()
    if encoding != _AS_IT_IS:
        raise Problem(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            kind="media-type",
            detail=f"The body is packed: Content-Encoding is {encoding[:64]!r}.",
            remedy="Send it as it is, without Content-Encoding.",
            headers={"Accept-Encoding": _AS_IT_IS},
        )
    return await request.body()
