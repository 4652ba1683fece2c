"""Events in: one, many, or said by the path. Each is durable before it is answered."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from attrs import frozen
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from adapters.http import descriptions, schemas
from adapters.http.bodies import json_body
from adapters.http.group_commit import GroupCommit
from adapters.http.measurement import NOTES
from adapters.http.problems import Problem, problem_of, unknown_name
from adapters.http.raw_path import MessageId, ProductId, UserId
from adapters.http.service import Scope, Service
from application.event_message import Submission, parse_event
from application.json_object import json_of, kind_of, object_of
from application.record import Receipt, RecordStatus
from domain.errors import InvalidValueError, PermanentError
from domain.identifier import MAX_LENGTH, parse_identifier
from domain.interaction import EventType

IDEMPOTENCY_KEY = "Idempotency-Key"
_QUEUED = "Event queued"
_WITH_A_PAGE = frozenset({"content-type", "origin"})
"""One of them is in every POST that a page makes a browser send."""
_ON_PRODUCTS = [event_type for event_type in EventType if event_type is not EventType.SEARCH]


def ingest_routes(service: Service, record: GroupCommit, guarded: Callable[[Scope], type[APIRoute]]) -> APIRouter:
    """The routes that record."""
    router = APIRouter(tags=["events"], route_class=guarded(Scope.INGEST))

    async def accept(request: Request, message: Mapping[str, Any]) -> JSONResponse:
        submission = _submission(service, message, _key_of(request))
        (receipt,) = await record([submission])
        if receipt.error is not None:
            raise receipt.error
        return JSONResponse({"status": _QUEUED, "message_id": _recorded_id(receipt)}, HTTPStatus.ACCEPTED)

    @router.post("/events", **descriptions.accepts(schemas.EVENT, schemas.QUEUED))
    async def record_event(request: Request) -> JSONResponse:
        """Record an event, or take one back. It takes effect within a second or so."""
        return await accept(request, object_of(await json_body(request)))

    @router.post("/events/batch", **descriptions.accepts(schemas.BATCH, schemas.BATCH_RESULT))
    async def record_events(request: Request) -> JSONResponse:
        """Record 1 to 1,000 events. Each has a result of its own, in the same order: a bad one fails alone.

        With an Idempotency-Key, an event without a message_id gets the key and its place in the list, as in KEY-0.
        """
        items = _batch(service, await json_body(request), _key_of(request, schemas.MAX_BATCH_KEY))
        submissions = [item for item in items if isinstance(item, Submission)]
        receipts = iter(await record(submissions) if submissions else ())
        results = [item if isinstance(item, _Result) else _result(next(receipts)) for item in items]
        problems = [result.problem.kind for result in results if result.problem is not None]
        request.scope[NOTES].problems.extend(problems)
        answer = {
            "status": "Events queued",
            "accepted": len(results) - len(problems),
            "refused": len(problems),
            "results": [result.document() for result in results],
        }
        return JSONResponse(answer, HTTPStatus.ACCEPTED)

    @router.post("/api/user/{user_id}/search", **descriptions.accepts(schemas.QUERY, schemas.QUEUED))
    async def record_search(request: Request, user_id: UserId) -> JSONResponse:
        """Record that a user has searched."""
        message = _fields(await json_body(request), ("query", *schemas.ENVELOPE))
        phrase = message.pop("query", None)
        return await accept(
            request, {**message, "user_id": user_id, "event_type": EventType.SEARCH, "search_phrase": phrase}
        )

    def record_on_product(event_type: EventType) -> None:
        async def record_it(request: Request, user_id: UserId, product_id: ProductId) -> JSONResponse:
            message = _fields(await _optional_body(request), schemas.ENVELOPE)
            subject = {"user_id": user_id, "event_type": event_type, "product_id": product_id}
            return await accept(request, {**message, **subject})

        router.post(
            f"/api/user/{{user_id}}/product/{{product_id}}/{event_type}",
            name=f"record_{event_type}",
            description=f"Record a {event_type} of a product.",
            **descriptions.accepts(schemas.ENVELOPE_SCHEMA, schemas.QUEUED, body_required=False),
        )(record_it)

    for event_type in _ON_PRODUCTS:
        record_on_product(event_type)

    @router.post(
        "/api/user/{user_id}/events/{message_id}/retract",
        **descriptions.accepts(schemas.ENVELOPE_SCHEMA, schemas.QUEUED, body_required=False),
    )
    async def retract_event(request: Request, user_id: UserId, message_id: MessageId) -> JSONResponse:
        """Take an interaction of the user back, as if it had never happened."""
        message = _fields(await _optional_body(request), schemas.ENVELOPE)
        return await accept(request, {**message, "user_id": user_id, "retracts": message_id})

    return router


def _submission(service: Service, message: Mapping[str, Any], key: str | None) -> Submission:
    given = message.get("message_id")
    if key is not None and given is not None and str(given) != key:
        raise Problem(
            status=HTTPStatus.BAD_REQUEST,
            kind="two-ids",
            detail="Idempotency-Key and message_id differ.",
            field="message_id",
            remedy="Send one of them, or the same in both.",
        )
    if given is not None:
        return parse_event(message, now=service.clock.now())
    return parse_event(message, now=service.clock.now(), message_id=key if key is not None else service.ids.new())


@frozen(kw_only=True)
class _Result:
    """What became of an item of a batch."""

    message_id: str | None
    status: RecordStatus
    problem: Problem | None = None

    def document(self) -> dict[str, Any]:
        error = {"error": self.problem.document()} if self.problem is not None else {}
        return {"message_id": self.message_id, "status": str(self.status), **error}


def _batch(service: Service, body: bytes, key: str | None) -> Sequence[Submission | _Result]:
    """The submission of each item, or the result of one that is none."""
    most = service.limits.events
    remedy = f"send a list of 1 to {most} events"
    items = json_of(body, remedy)
    if not isinstance(items, list):
        raise InvalidValueError("body", f"is {kind_of(items)}", remedy)
    if not 1 <= len(items) <= most:
        raise InvalidValueError("body", f"has {len(items)} events", f"send 1 to {most}")
    return [_item(service, item, f"{key}-{place}" if key is not None else None) for place, item in enumerate(items)]


def _item(service: Service, item: object, key: str | None) -> Submission | _Result:
    try:
        if not isinstance(item, dict):
            raise InvalidValueError("event", f"is {kind_of(item)}", "send an object")
        return _submission(service, item, key if item.get("message_id") is None else None)
    except PermanentError as error:
        return _Result(message_id=_given_id(item), status=RecordStatus.REFUSED, problem=problem_of(error))


def _result(receipt: Receipt) -> _Result:
    problem = problem_of(receipt.error) if receipt.error is not None else None
    return _Result(message_id=_recorded_id(receipt), status=receipt.status, problem=problem)


def _recorded_id(receipt: Receipt) -> str:
    """The id in the log: a second retraction of an event is the first one again, whatever its own id."""
    return receipt.logged.event.message_id if receipt.logged is not None else receipt.message_id


def _given_id(item: object) -> str | None:
    """The id of an item that was refused, where it has one."""
    try:
        return parse_identifier("message_id", item.get("message_id")) if isinstance(item, dict) else None
    except InvalidValueError:
        return None


def _key_of(request: Request, longest: int = MAX_LENGTH) -> str | None:
    sent = request.headers.get(IDEMPOTENCY_KEY)
    if sent is None:
        return None
    try:
        key = sent if sent.isascii() else sent.encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise InvalidValueError(IDEMPOTENCY_KEY, "is not UTF-8", "send ASCII, or UTF-8") from error
    if not 1 <= len(key) <= longest:
        raise InvalidValueError(IDEMPOTENCY_KEY, f"has {len(key)} characters", f"send 1 to {longest}")
    return key


async def _optional_body(request: Request) -> bytes:
    """The body of a request that needs none. What comes from a browser has to say that it is JSON all the same."""
    if await request.body() or not _WITH_A_PAGE.isdisjoint(request.headers):
        return await json_body(request) or b"{}"
    return b"{}"


def _fields(body: bytes, known: Sequence[str]) -> dict[str, Any]:
    """The fields of a body to a path that says the rest."""
    message = dict(object_of(body))
    for name in message:
        if name not in known:
            raise unknown_name(name, "field", known)
    return message
