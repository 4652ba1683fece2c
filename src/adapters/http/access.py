"""Who may ask: a key by the header Authorization or X-API-Key, and what it opens."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from adapters.http.headers import MORE
from adapters.http.problems import Problem
from adapters.http.service import Gate
from application.api_keys import ApiKey, ApiKeys, Scope

REALM = 'Bearer realm="penchant"'
"""RFC 6750."""

BEARER, HEADER = "bearer", "x_api_key"
"""The names of the two ways in the OpenAPI document."""


class Guard(SecurityBase):
    """Stands before a route, and has the OpenAPI document say so."""

    def __init__(self, gate: Gate, scope: Scope) -> None:
        self.model = HTTPBearer(description="Authorization: Bearer KEY")
        self.scheme_name = BEARER
        self._gate = gate
        self._scope = scope

    async def __call__(self, request: Request) -> None:
        """Raises Problem."""
        headers = await self._gate(request, self._scope)
        request.scope[MORE].extend((name.lower().encode(), value.encode()) for name, value in headers.items())


class KeyGate:
    """Lets in who has a key with the scope.

    Parameters
    ----------
    keys : the keys that count now.
    """

    def __init__(self, keys: Callable[[], ApiKeys]) -> None:
        self._keys = keys

    async def __call__(self, request: Request, scope: Scope) -> Mapping[str, str]:
        self._key(request, scope)
        return {}

    def _key(self, request: Request, scope: Scope) -> ApiKey:
        presented = _presented(request)
        if presented is None:
            raise _refusal(
                HTTPStatus.UNAUTHORIZED, "no-key", "This needs a key.", "send Authorization: Bearer KEY", REALM
            )
        key = self._keys().find(presented)
        if key is None:
            challenge = f'{REALM}, error="invalid_token"'
            detail = "Nobody has this key, or it has been revoked."
            raise _refusal(HTTPStatus.UNAUTHORIZED, "unknown-key", detail, "ask the operator for one", challenge)
        if scope not in key.scopes:
            challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            detail = f"The key {key.name} is not for this: it needs the scope {scope}."
            raise _refusal(HTTPStatus.FORBIDDEN, "scope", detail, "ask the operator for a key with it", challenge)
        return key


def with_header(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document that names the other header, too."""
    document["components"].setdefault("securitySchemes", {})[HEADER] = {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for requirement in operation.get("security", [])[:1]:
            operation["security"].append({HEADER: requirement[BEARER]})
    return document


def _presented(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return request.headers.get("x-api-key")


def _refusal(status: HTTPStatus, kind: str, detail: str, remedy: str, challenge: str) -> Problem:
    return Problem(status=status, kind=kind, detail=detail, remedy=remedy, headers={"WWW-Authenticate": challenge})
