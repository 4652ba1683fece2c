"""Errors as problem details (RFC 9457): what is wrong, with which field, and what to do."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from attrs import frozen
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.http.measurement import NOTES
from application.ports.system import Clock, Journal
from domain.errors import (
    ConflictError,
    InvalidValueError,
    PenchantError,
    PermanentError,
    RetractionRefusedError,
    TargetMissingError,
    TransientError,
    UnavailableError,
    UnknownAttributeError,
    UnknownProductError,
    UnknownSourceError,
    UnknownUserError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""What a caller is told to wait where the part that is away did not say."""

TELL_SECONDS = 10.0
SENTENCES_REMEMBERED = 1_000

_OF_ERRORS: tuple[tuple[type[PenchantError], HTTPStatus, str], ...] = (
    (UnknownUserError, HTTPStatus.NOT_FOUND, "unknown-user"),
    (UnknownProductError, HTTPStatus.NOT_FOUND, "unknown-product"),
    (UnknownAttributeError, HTTPStatus.NOT_FOUND, "unknown-attribute"),
    (UnknownSourceError, HTTPStatus.NOT_FOUND, "unknown-source"),
    (TargetMissingError, HTTPStatus.NOT_FOUND, "unknown-event"),
    (ConflictError, HTTPStatus.CONFLICT, "conflict"),
    (RetractionRefusedError, HTTPStatus.CONFLICT, "retraction-refused"),
    (InvalidValueError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-value"),
    (PermanentError, HTTPStatus.SERVICE_UNAVAILABLE, "not-configured"),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
)
"""The first that fits. What fails for good and is no value of the caller's is ours to mend."""


@frozen(kw_only=True)
class Problem(Exception):  # noqa: N818  # the name that RFC 9457 gives it
    """A refusal. It can be raised anywhere below a request."""

    status: HTTPStatus
    kind: str
    """Stable, for programs."""
    detail: str
    field: str | None = None
    remedy: str | None = None
    headers: Mapping[str, str] = {}

    def response(self) -> JSONResponse:
        """The answer."""
        return _Answer(self)

    def document(self) -> dict[str, Any]:
        """The members of the problem document; the schema is in `schemas.PROBLEM`."""
        members = {
            "type": f"urn:penchant:problem:{self.kind}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "field": self.field,
            "remedy": self.remedy,
        }
        return {name: value for name, value in members.items() if value is not None}


class _Answer(JSONResponse):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.document(), problem.status, dict(problem.headers), MEDIA_TYPE)
        self._kind = problem.kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[NOTES].problems.append(self._kind)
        await super().__call__(scope, receive, send)


def problem_of(error: PenchantError) -> Problem:
    """The problem that an error of ours is for a caller."""
    status, kind = next((status, kind) for known, status, kind in _OF_ERRORS if isinstance(error, known))
    if isinstance(error, InvalidValueError):
        return Problem(status=status, kind=kind, detail=str(error), field=error.field, remedy=error.remedy)
    if status is not HTTPStatus.SERVICE_UNAVAILABLE:
        return Problem(status=status, kind=kind, detail=str(error))
    # Addresses of servers and names of settings are for those who run Penchant: their journal has the text.
    asked = error.retry_after_seconds if isinstance(error, UnavailableError) else None
    after = math.ceil(asked) if asked is not None else RETRY_AFTER_SECONDS
    detail = "A part that this needs is out of reach."
    remedy = f"send the same again after {after} seconds; with the same message ids that is safe"
    return Problem(status=status, kind=kind, detail=detail, remedy=remedy, headers={"Retry-After": str(after)})


def unknown_name(name: str, kind: str, known: Sequence[str]) -> InvalidValueError:
    """The error that a request has something of a kind, such as field, that it cannot have."""
    shown = ascii(name)[1:-1][:64]  # it may hold what no header takes
    remedy = f"the {kind}s are {', '.join(known)}" if known else "leave it out"
    return InvalidValueError(shown, f"is not a {kind} of this request", remedy)


class ToldInJournal:
    """Tells those who run Penchant what callers are not told, each sentence once in a while."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._told: dict[str, float] = {}

    def __call__(self, error: Exception) -> None:
        """Tell of an error that was answered with 5xx."""
        text = str(error) if isinstance(error, PenchantError) else type(error).__name__
        now = self._clock.monotonic()
        if now - self._told.get(text, -math.inf) < TELL_SECONDS:
            return
        if len(self._told) >= SENTENCES_REMEMBERED:
            self._told.clear()
        self._told[text] = now
        self._journal.warning("request_failed", text)


def answer_problems(app: FastAPI, tell: ToldInJournal) -> None:
    """Let whatever is raised below a request become a problem document."""

    async def of_ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, PenchantError)  # noqa: S101  # registered for it
        problem = problem_of(error)
        if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
            tell(error)
        return problem.response()

    async def raised(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)  # noqa: S101  # registered for it
        return error.response()

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
        status = HTTPStatus(error.status_code)
        kind = status.phrase.lower().replace(" ", "-")
        methods = _methods_of(request)
        headers = {"Allow": methods} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}
        what = f"This path takes {methods}, and no {request.method}" if headers else "There is no such path"
        remedy = "see /openapi.json for the paths and methods that there are"
        return Problem(status=status, kind=kind, detail=f"{what}; {remedy}", remedy=remedy, headers=headers).response()

    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        tell(error)
        # Nothing of its text: it may quote what others may not read.
        detail = f"Penchant failed on this request: {type(error).__name__}. Please report it."
        return Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, kind="unexpected", detail=detail).response()

    app.add_exception_handler(PenchantError, of_ours)
    app.add_exception_handler(Problem, raised)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, unexpected)


def _methods_of(request: Request) -> str:
    """All methods that the path of a request takes: of several routes with one path, each knows only its own."""
    routes = [route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(request["path"])]
    methods = {method for route in routes for method in route.methods or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


class EndOfErrors:
    """Middleware around the application: an error that it has answered ends here.

    Starlette raises it again, and the server would then print all of it, with what it quotes, and drop the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(Exception):
            await self._app(scope, receive, send)
