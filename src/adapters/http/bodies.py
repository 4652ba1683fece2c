"""Bodies: how large, how slow, and of which type they may be."""

import asyncio
from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.problems import Problem
from adapters.http.service import Limits

_JSON = ("application/json",)
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class LimitBodies:
    """Middleware: a body that is too large or comes too slowly is refused before anybody waits for it."""

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
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            detail = f"The body did not come within {self._limits.body_seconds:g} seconds."
            slow = Problem(
                status=HTTPStatus.REQUEST_TIMEOUT, kind="slow", detail=detail, headers={"Connection": "close"}
            )
            await slow.response()(scope, receive, send)
            return
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        if body is None:
            return  # the caller has gone

        async def replay() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message: Message = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return message

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limits.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> Problem:
        detail = f"A body may have {self._limits.body_bytes} bytes at the most; send fewer events at once."
        return Problem(status=HTTPStatus(413), kind="too-large", detail=detail, headers={"Connection": "close"})


async def json_body(request: Request) -> bytes:
    """The body of a request that says that it is JSON. Raises Problem.

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
    return await request.body()
