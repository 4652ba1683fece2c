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
        raise InvalidValueError(field, "has half of a surrogate pair", "send valid Unicode") from error


def identifier(instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Validate an attrs field as an identifier."""
    del instance
    if not _is_plain(value):
        check_identifier(attribute.name, value)


def optional_identifier(instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Validate an attrs field as an identifier or None."""
    del instance
    if value is not None and not _is_plain(value):
        check_identifier(attribute.name, value)


def _is_plain(value: object) -> bool:
    """Whether it is an identifier in ASCII, as nearly all are: the log is read by the hundred thousand."""
    return type(value) is str and 1 <= len(value) <= MAX_LENGTH and value.isascii()
