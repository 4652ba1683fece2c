"""Embeddings out, and what follows from them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from attrs import asdict
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import PlainValidator, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from adapters.http import descriptions, schemas
from adapters.http.raw_path import ProductId, UserId
from adapters.http.service import Scope, Service
from application.event_message import parse_time
from application.recommend import Recommendation, Wishes
from application.schemas import INSTANT, TEXT_ID
from domain.attributes import MAX_CONDITIONS, MAX_NAME_LENGTH, MAX_VALUE_LENGTH, parse_conditions
from domain.blend import Source
from domain.errors import InvalidValueError
from domain.identifier import parse_identifier
from domain.user_embedding import UserEmbedding

UNKNOWN_USER = "Unknown user."
MOST = 1_000
"""Of anything in one answer."""
SEPARATOR = ":"
CONDITION = rf"^[^=:]{{1,{MAX_NAME_LENGTH}}}{SEPARATOR}[\s\S]{{1,{MAX_VALUE_LENGTH}}}$"


def _limit_of(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= len(str(MOST)) and 1 <= int(raw) <= MOST):
        raise InvalidValueError("limit", f"is {raw[:40]!r}", f"send 1 to {MOST}")
    return int(raw)


def _source_of(raw: str) -> str:
    if raw not in list(Source):
        raise InvalidValueError("source", f"is {raw[:40]!r}", f"send one of {', '.join(Source)}")
    return raw


def _diversity_of(raw: str) -> float:
    try:
        return float(raw)
    except ValueError as error:
        raise InvalidValueError("diversity", f"is {raw[:40]!r}", "send a number from 0 to 1") from error


def _flag_of(raw: str) -> bool:
    if raw not in ("true", "false"):
        raise InvalidValueError("with_bought", f"is {raw[:40]!r}", "send true or false")
    return raw == "true"


Limit = Annotated[
    Annotated[int, PlainValidator(_limit_of), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST})],
    Query(description="How many at the most."),
]
SourceWanted = Annotated[
    Annotated[str, PlainValidator(_source_of), WithJsonSchema({"type": "string", "enum": list(map(str, Source))})]
    | SkipJsonSchema[None],
    Query(description="Only candidates of this source; of all, if left out."),
]
Diversity = Annotated[
    Annotated[float, PlainValidator(_diversity_of), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})],
    Query(description="0: the best first; 1: as unlike each other as can be."),
]
WithBought = Annotated[
    Annotated[bool, PlainValidator(_flag_of), WithJsonSchema({"type": "boolean"})],
    Query(description="Whether what the user has bought may come, too."),
]
Among = Annotated[
    list[Annotated[str, WithJsonSchema(TEXT_ID)]],
    Query(description=f"Only this product; send it again for each further one, {MOST:,} at the most."),
]
Where = Annotated[
    list[Annotated[str, WithJsonSchema({"type": "string", "pattern": CONDITION})]],
    Query(
        description="Only products with this attribute, such as colour:red. Sent again, with another name both must "
        f"hold, and with the same name either; {MAX_CONDITIONS} at the most."
    ),
]
NOTHING: list[str] = []
At = Annotated[
    Annotated[str, WithJsonSchema(INSTANT)] | SkipJsonSchema[None],
    Query(description="As it was then, folded from the log. Escape a + as %2B."),
]


def reading_routes(service: Service, guarded: Callable[[Scope], type[APIRoute]]) -> APIRouter:
    """The routes that read. They run in threads: what they wait for does not hold up others."""
    router = APIRouter(prefix="/api/user/{user_id}", tags=["users"], route_class=guarded(Scope.READ))

    @router.get("/embedding", **descriptions.tells_of(schemas.EMBEDDING, UNKNOWN_USER))
    def read_embedding(user_id: UserId, at: At = None) -> JSONResponse:
        """What the user is into, now or at a time."""
        read = service.read
        state = read.at(user_id, parse_time("at", at)) if at is not None else read.now(user_id)
        return JSONResponse(_document(state))

    @router.get("/recommendations", **descriptions.tells_of(schemas.RECOMMENDATIONS, "Unknown source or attribute."))
    def recommend_products(
        user_id: UserId,
        limit: Limit = 10,
        source: SourceWanted = None,
        diversity: Diversity = 0.0,
        with_bought: WithBought = False,
        among: Among = NOTHING,
        where: Where = NOTHING,
    ) -> JSONResponse:
        """What to offer the user next, and why; of a user who is new only what is popular is known."""
        sources = [Source(source)] if source is not None else ()
        wishes = Wishes(
            limit=limit,
            sources=sources,
            diversity=diversity,
            with_bought=with_bought,
            among=service.filter_products(parse_conditions(where, SEPARATOR), _wanted(among)),
        )
        found = service.recommend(user_id, wishes)
        return JSONResponse({"user_id": user_id, "recommendations": [_recommended(product) for product in found]})

    @router.get("/similar", **descriptions.tells_of(schemas.SIMILAR_USERS, UNKNOWN_USER))
    def similar_users(user_id: UserId, limit: Limit = 10) -> JSONResponse:
        """Users who are into the same."""
        found = service.neighbours(user_id, limit)
        return JSONResponse({"user_id": user_id, "users": [asdict(user) for user in found]})

    @router.get("/explain", **descriptions.tells_of(schemas.EXPLANATION, UNKNOWN_USER))
    def explain_embedding(user_id: UserId, limit: Limit = 100) -> JSONResponse:
        """The live events behind the embedding, the one with the largest share first."""
        events = [
            {**asdict(influence), "event_type": str(influence.event_type), "occurred_at": _text(influence.occurred_at)}
            for influence in service.explain(user_id)[:limit]
        ]
        return JSONResponse({"user_id": user_id, "events": events})

    return router


def product_routes(service: Service, guarded: Callable[[Scope], type[APIRoute]]) -> APIRouter:
    """The routes that read products."""
    router = APIRouter(prefix="/api/product/{product_id}", tags=["products"], route_class=guarded(Scope.READ))

    @router.get("/similar", **descriptions.tells_of(schemas.SIMILAR_PRODUCTS, "Unknown product or attribute."))
    def similar_products(product_id: ProductId, limit: Limit = 10, where: Where = NOTHING) -> JSONResponse:
        """Products that are most like this one."""
        among = service.filter_products(parse_conditions(where, SEPARATOR))
        found = service.similar_products(product_id, limit, among)
        return JSONResponse({"product_id": product_id, "products": [asdict(product) for product in found]})

    return router


def _wanted(among: list[str]) -> list[str] | None:
    if len(among) > MOST:
        raise InvalidValueError("among", f"comes {len(among)} times", f"send it {MOST:,} times at the most")
    return [parse_identifier("among", product_id) for product_id in among] or None


def _recommended(found: Recommendation) -> dict[str, Any]:
    reason = {**asdict(found.reason), "occurred_at": _text(found.reason.occurred_at)}
    return {**asdict(found), "reason": reason}


def _document(state: UserEmbedding) -> dict[str, Any]:
    vector = state.embedding
    return {
        "user_id": state.user_id,
        "embedding": vector.tolist() if vector is not None else None,
        "dimensions": len(vector) if vector is not None else 0,
        "model": state.model,
        "recipe": state.recipe,
        "norm": state.norm,
        "weight": state.weight,
        "focus": state.focus,
        "as_of": _text(state.as_of),
        "event_count": state.event_count,
        "position": state.applied.position,
        "version": state.version,
        "last_updated": _text(state.last_updated),
    }


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant is not None else None
