"""Who may ask, and how often: a key by the header Authorization or X-API-Key, what it opens, and rate limits."""

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus

from fastapi import Request

from adapters.http.measurement import NOTES
from adapters.http.problems import Problem
from adapters.http.raw_path import user_id_of
from application.api_keys import ApiKey, ApiKeys, Scope
from application.event_message import identifier_of
from application.json_object import object_of
from application.ports.rate_limiter import RateLimiter, Standing
from domain.errors import InvalidValueError

REALM = 'Bearer realm="penchant"'
"""RFC 6750."""

ANYBODY = ""
"""Whose requests are counted where there are no keys."""


class AccessGate:
    """Lets in who has a key with the scope, as often as the limits allow.

    They are for the shop's traffic. Who looks after the service is not counted: when too much comes, that is when
    Prometheus has to see it.

    Parameters
    ----------
    keys : the keys that count now; None where everybody may do everything.
    limiter : counts requests; None where there are no limits.
    """

    def __init__(self, keys: Callable[[], ApiKeys] | None, limiter: RateLimiter | None) -> None:
        self._keys = keys
        self._limiter = limiter

    async def __call__(self, request: Request, scope: Scope) -> Mapping[str, str]:
        name = _key_of(request, scope, self._keys()).name if self._keys is not None else ANYBODY
        if self._limiter is None or scope is Scope.ADMIN:
            return {}
        user_id = await _user_of(request) if self._limiter.counts_users else None
        standing = await self._limiter.hit(name, user_id)
        if standing is None:
            return {}
        if standing.exceeded:
            raise _too_many(standing)
        return _headers_of(standing)


def _key_of(request: Request, scope: Scope, keys: ApiKeys) -> ApiKey:
    presented = _presented(request)
    if presented is None:
        sent = "authorization" in request.headers
        detail = "Authorization is not of the form Bearer KEY." if sent else "This needs a key."
        raise _refusal(HTTPStatus.UNAUTHORIZED, "no-key", detail, "send Authorization: Bearer KEY", REALM)
    key = keys.find(presented)
    if key is None:
        challenge = f'{REALM}, error="invalid_token"'
        detail = "Nobody has this key, or it has been revoked."
        raise _refusal(HTTPStatus.UNAUTHORIZED, "unknown-key", detail, "ask the operator for one", challenge)
    request.scope[NOTES].key = key.name
    if scope not in key.scopes:
        challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
        detail = f"The key {key.name} is not for this: it needs the scope {scope}."
        raise _refusal(HTTPStatus.FORBIDDEN, "scope", detail, "ask the operator for a key with it", challenge)
    return key


def _presented(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return request.headers.get("x-api-key")


def _refusal(status: HTTPStatus, kind: str, detail: str, remedy: str, challenge: str) -> Problem:
    return Problem(status=status, kind=kind, detail=detail, remedy=remedy, headers={"WWW-Authenticate": challenge})


async def _user_of(request: Request) -> str | None:
    """The user that a request is about, by its path or else its body; None if there is none, or several."""
    try:
        if (in_path := request.path_params.get("user_id")) is not None:
            return user_id_of(in_path)
        return identifier_of(object_of(await request.body()), "user_id")
    except InvalidValueError:  # it is refused where it is read
        return None


def _too_many(standing: Standing) -> Problem:
    seconds = math.ceil(standing.resets_in_seconds)
    return Problem(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        kind="rate-limit",
        detail=f"The limit of {standing.limit} requests for this {standing.whose} is reached for now.",
        remedy=f"send it again after {seconds} seconds",
        headers={"Retry-After": str(seconds), **_headers_of(standing)},
    )


def _headers_of(standing: Standing) -> Mapping[str, str]:
    """RateLimit-*: its Reset counts seconds, while X-RateLimit-Reset is a time for some clients."""
    return {
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(math.ceil(standing.resets_in_seconds)),
    }
