"""The JSON object of a message's body."""

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidValueError


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body. Raises InvalidValueError."""
    message = json_of(body)
    if not isinstance(message, dict):
        raise InvalidValueError("body", f"is a JSON {type(message).__name__}", "send one event, a JSON object")
    return message


def json_of(body: bytes) -> object:
    """What a body says in JSON. Raises InvalidValueError."""
    try:
        message: object = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("body", "is not JSON in UTF-8", "send one event, a JSON object") from error
    return message
