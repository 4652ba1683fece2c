"""The JSON object of a message's body."""

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidValueError

_ONE_EVENT = "send one event, a JSON object"


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body. Raises InvalidValueError."""
    message = json_of(body, _ONE_EVENT)
    if not isinstance(message, dict):
        raise InvalidValueError("body", f"is {kind_of(message)}", _ONE_EVENT)
    return message


def kind_of(message: object) -> str:
    """What JSON calls a value, with its article."""
    kinds = ((dict, "an object"), (list, "a list"), (str, "a string"), (bool, "true or false"), (type(None), "null"))
    return next((name for kind, name in kinds if isinstance(message, kind)), "a number")


def json_of(body: bytes, remedy: str) -> object:
    """What a body says in JSON. Raises InvalidValueError, with the remedy."""
    if not body.strip():
        raise InvalidValueError("body", "is empty", remedy)
    try:
        message: object = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("body", "is not JSON in UTF-8", remedy) from error
    return message
