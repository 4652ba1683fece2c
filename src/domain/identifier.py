"""Identifiers of users, products and messages: 1 to 128 characters, compared byte by byte."""

from typing import Any

from attrs import Attribute

from domain.errors import InvalidValueError

MAX_LENGTH = 128


def parse_identifier(field: str, raw: object) -> str:
    """Return `raw` as an identifier. An integer equals its decimal string; nothing is trimmed or folded.

    Raises
    ------
    InvalidValueError : not a string or an integer, empty, longer than 128 characters, or not valid Unicode.
    """
    if isinstance(raw, int) and not isinstance(raw, bool):
        if abs(raw) >= 10**MAX_LENGTH:  # str() raises ValueError for the really long ones
            raise InvalidValueError(field, f"has more than {MAX_LENGTH} digits", f"send 1 to {MAX_LENGTH}")
        raw = str(raw)
    check_identifier(field, raw)
    return str(raw)


def check_identifier(field: str, value: object) -> None:
    """Raise InvalidValueError unless `value` is an identifier."""
    if type(value) is str and 1 <= len(value) <= MAX_LENGTH and value.isascii():
        return  # nearly all of them
    if not isinstance(value, str):
        raise InvalidValueError(field, f"is {type(value).__name__}, not a string", "send a string or an integer")
    if not 1 <= len(value) <= MAX_LENGTH:
        raise InvalidValueError(field, f"has {len(value)} characters", f"send 1 to {MAX_LENGTH}")
    check_unicode(field, value)


def check_unicode(field: str, value: str) -> None:
    """Raise InvalidValueError if `value` has half of a surrogate pair, which no database can store."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(field, "has half of a surrogate pair", "send valid Unicode, in UTF-8") from error


def identifier(instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Validate an attrs field as an identifier."""
    del instance
    check_identifier(attribute.name, value)
