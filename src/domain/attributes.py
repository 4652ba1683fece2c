"""Attributes of products: names with values, such as the colour red."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.errors import InvalidValueError
from domain.identifier import check_unicode

MAX_NAME_LENGTH = 64
MAX_VALUE_LENGTH = 256
MAX_ATTRIBUTES = 100
"""Values of all names of one product."""

MAX_CONDITIONS = 50
"""MariaDB joins 61 tables at the most, one for each name."""

SEPARATORS = ("=", ":")
"""What stands between name and value where a filter is written, so no name may hold it."""

_EXAMPLE = 'send an object such as {"colour": "red", "size": ["S", "M"]}'
_SHOWN = 40
_WHOLE_AS_FLOAT = 2**53


class Attribute(NamedTuple):
    """A name and one of its values, compared byte by byte. `attribute` makes one of what others send.

    A plain tuple, since every product that is read makes some.
    """

    name: str
    value: str


Attributes = frozenset[Attribute]
NO_ATTRIBUTES: Attributes = frozenset()


def attribute(name: str, value: str) -> Attribute:
    """An attribute, checked. Raises InvalidValueError, which names it."""
    shown = ascii(name)[1:-1][:_SHOWN]
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        remedy = f"send names of 1 to {MAX_NAME_LENGTH} characters"
        raise InvalidValueError("attributes", f"has the name '{shown}'", remedy)
    if any(separator in name for separator in SEPARATORS):
        raise InvalidValueError("attributes", f"has the name '{shown}'", "send names without = and :")
    field = f"attributes.{shown}"
    if not 1 <= len(value) <= MAX_VALUE_LENGTH:
        remedy = f"send 1 to {MAX_VALUE_LENGTH}, or leave it out"
        raise InvalidValueError(field, f"has {len(value)} characters", remedy)
    check_unicode(field, name + value)
    return Attribute(name, value)


def parse_attributes(raw: object) -> Attributes:
    """The attributes of an object of names, each with a value or a list of values; null counts as absent.

    A number or a boolean is its text in JSON; 7.0 is 7. Raises InvalidValueError, which names what is wrong.
    """
    if raw is None:
        return NO_ATTRIBUTES
    if not isinstance(raw, Mapping):
        raise InvalidValueError("attributes", "is not an object", _EXAMPLE)
    found = frozenset(
        attribute(name, _text_of(name, value))
        for name, values in raw.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    )
    if len(found) > MAX_ATTRIBUTES:
        raise InvalidValueError("attributes", f"has {len(found)} values", f"send at most {MAX_ATTRIBUTES}")
    return found


def parse_conditions(raw: Iterable[str], separator: str) -> Attributes:
    """The attributes that conditions such as colour=red ask for. Raises InvalidValueError."""
    found = frozenset(_condition(one, separator) for one in raw)
    if len(found) > MAX_CONDITIONS:
        raise InvalidValueError("where", f"names {len(found)} values", f"send at most {MAX_CONDITIONS}")
    return found


def attributes_of(values: Mapping[str, Iterable[str]]) -> Attributes:
    """The attributes that `values_by_name` says."""
    return frozenset(Attribute(name, value) for name, some in values.items() for value in some)


def values_by_name(attributes: Collection[Attribute]) -> Mapping[str, Sequence[str]]:
    """The values of each name, in the order of the text."""
    names = sorted({one.name for one in attributes})
    return {name: sorted(one.value for one in attributes if one.name == name) for name in names}


def _condition(raw: str, separator: str) -> Attribute:
    name, _, value = raw.partition(separator)
    try:
        return attribute(name, value)
    except InvalidValueError as error:
        remedy = f"send name{separator}value, such as colour{separator}red"
        raise InvalidValueError("where", f"is {raw[:_SHOWN]!r}", remedy) from error


def _text_of(name: str, value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _WHOLE_AS_FLOAT:
        value = int(value)
    if isinstance(value, str):
        return value
    remedy = "send text, a number, true, false, or a list of these"
    field = f"attributes.{ascii(name)[1:-1][:_SHOWN]}"
    if not isinstance(value, bool | int | float):
        raise InvalidValueError(field, f"is {type(value).__name__}", remedy)
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError as error:  # not finite, or with more digits than Python writes
        raise InvalidValueError(field, "is no number that can be written", remedy) from error
