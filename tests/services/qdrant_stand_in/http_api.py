"""The REST interface of the stand-in."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine import Engine
from journal import Journal
from pydantic_core import to_json
from refusal import Refused, too_large
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Call = Callable[[Engine, str, bytes], Any]
Endpoint = Callable[[Request], Awaitable[Response]]

VERSION = "1.19.1"
LARGEST_BODY = 32 * 1024 * 1024

READS: Mapping[tuple[str, str], Call] = {
    ("GET", "/collections"): Engine.collections,
    ("GET", "/collections/{name}"): Engine.info,
    ("GET", "/collections/{name}/exists"): Engine.exists,
    ("GET", "/collections/{name}/aliases"): Engine.aliases_of,
    ("GET", "/aliases"): Engine.aliases,
    ("POST", "/collections/{name}/points"): Engine.retrieve,
    ("POST", "/collections/{name}/points/scroll"): Engine.scroll,
    ("POST", "/collections/{name}/points/query"): Engine.query,
    ("POST", "/collections/{name}/points/query/batch"): Engine.query_batch,
    ("POST", "/collections/{name}/points/count"): Engine.count,
}
CHANGES: Mapping[tuple[str, str], Call] = {
    ("PUT", "/collections/{name}"): Engine.create,
    ("DELETE", "/collections/{name}"): Engine.drop,
    ("PUT", "/collections/{name}/index"): Engine.index,
    ("PUT", "/collections/{name}/points"): Engine.put,
    ("POST", "/collections/{name}/points/delete"): Engine.remove,
    ("POST", "/collections/aliases"): Engine.alias,
}


class Api:
    """Answers requests. The event loop is the lock: a request is answered in one piece, and none beside it."""

    def __init__(self, journal: Journal, api_key: str) -> None:
        self._engine, self._journal, self._api_key = Engine(), journal, api_key
        done = {call.__name__: call for call in CHANGES.values()}
        for kind, name, body in journal.read():
            done[kind](self._engine, name, body)

    def application(self) -> Starlette:
        """What a server of ASGI runs."""
        calls = [(*key, call, False) for key, call in READS.items()] + [(*k, call, True) for k, call in CHANGES.items()]
        routes = [Route(path, self._endpoint(call, change), methods=[method]) for method, path, call, change in calls]
        return Starlette(routes=[Route("/", _hello), *routes])

    def _endpoint(self, call: Call, change: bool) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            if (refusal := self._wrong_key(request)) is not None:
                return refusal
            try:
                result = self._do(call, request.path_params.get("name", ""), body, change)
            except Refused as refused:
                return _answer({"status": {"error": str(refused)}, "time": 0.0}, refused.status)
            return _answer({"result": result, "status": "ok", "time": 0.0})

        return endpoint

    def _do(self, call: Call, name: str, body: bytes, change: bool) -> Any:
        if len(body) > LARGEST_BODY:
            raise too_large(len(body), LARGEST_BODY)
        result = call(self._engine, name, body)
        if change and self._engine.empty:
            self._journal.clear()
        elif change:
            self._journal.write(call.__name__, name, body)
        return result

    def _wrong_key(self, request: Request) -> Response | None:
        """The real one says this in plain text."""
        key = request.headers.get("api-key", request.headers.get("authorization", "").removeprefix("Bearer "))
        if not key:
            return PlainTextResponse("Must provide an API key or an Authorization bearer token", 401)
        return None if secrets.compare_digest(key, self._api_key) else PlainTextResponse("Invalid API key or JWT", 401)


async def _hello(_request: Request) -> Response:
    """The only answer without a key."""
    return _answer({"title": "qdrant - vector search engine", "version": VERSION, "commit": "stand-in"})


def _answer(content: Any, status: int = 200) -> Response:
    return Response(to_json(content), status, media_type="application/json")
