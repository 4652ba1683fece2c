"""Paths are routed as they were sent, so that an id may hold any character that is escaped in the URL."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Path
from pydantic import WithJsonSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from application.schemas import TEXT_ID
from domain.errors import InvalidValueError
from domain.identifier import check_identifier

ID = WithJsonSchema(TEXT_ID)
"""What an id is once it is unescaped; FastAPI itself looks at nothing, since it would count what is escaped."""


class RawPath:
    """Middleware: a slash that is escaped does not divide a path, and "%2e%2e" is no way up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw = scope.get("raw_path") or scope["path"].encode()
            scope = {**scope, "path": raw.partition(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)


def _unescaped(field: str, raw: str) -> str:
    try:
        value = unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidValueError(field, "is not UTF-8", "escape its UTF-8 bytes in the URL as %C3%A9") from error
    check_identifier(field, value)
    return value


def user_id_of(raw: str) -> str:
    """The id of a user as a path has it. Raises InvalidValueError."""
    return _unescaped("user_id", raw)


def _user_id(user_id: Annotated[str, ID, Path(description="Escaped as URLs need it.")]) -> str:
    return user_id_of(user_id)


def _product_id(product_id: Annotated[str, ID, Path(description="Escaped as URLs need it.")]) -> str:
    return _unescaped("product_id", product_id)


def _message_id(
    message_id: Annotated[str, ID, Path(description="Of the interaction that is taken back.")],
) -> str:
    return _unescaped("message_id", message_id)


UserId = Annotated[str, Depends(_user_id)]
ProductId = Annotated[str, Depends(_product_id)]
MessageId = Annotated[str, Depends(_message_id)]
