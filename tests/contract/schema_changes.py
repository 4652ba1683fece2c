"""What breaks others between two JSON Schemas: of what they send to us, or of what we send to them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

from attrs import frozen

Schema = Any
"""A JSON object, or True where anything will do."""


class Direction(Enum):
    """Who writes what the schema describes."""

    TO_US = "to us"
    """Whatever was right has to stay right."""
    FROM_US = "from us"
    """Whatever is sent has to be what was promised."""


_NOTES = frozenset(
    {"$schema", "title", "description", "examples", "example", "default", "contentMediaType", "deprecated"}
)
_CEILINGS = ("maximum", "maxLength", "maxItems", "maxProperties")
_FLOORS = ("minimum", "minLength", "minItems", "minProperties")
_EXACT = ("pattern", "format")
_HANDLED = frozenset(
    {"$ref", "type", "enum", "const", "anyOf", "oneOf", "properties", "required", "additionalProperties", "items"}
).union(_CEILINGS, _FLOORS, _EXACT)
_TYPE_NAMES = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}
_ALL_TYPES = frozenset(_TYPE_NAMES.values())


@frozen(kw_only=True)
class SchemaChanges:
    """The comparison of schemas out of two documents, in which references lead somewhere."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    direction: Direction

    def between(self, old: Schema, new: Schema, where: str) -> list[str]:
        """A sentence for each change that breaks somebody. Raises ValueError on a keyword that it does not know."""
        olds, news = _alternatives(self.old, old), _alternatives(self.new, new)
        if len(olds) == len(news) == 1:
            return list(self._between(olds[0], news[0], where))
        # Each of one side needs one on the other that it fits.
        fits = partial(self._least, where=where)
        if self.direction is Direction.TO_US:
            return [change for before in olds for change in fits([(before, after) for after in news])]
        return [change for after in news for change in fits([(before, after) for before in olds])]

    def _least(self, pairs: Sequence[tuple[Schema, Schema]], where: str) -> list[str]:
        """The changes of the pair that differs least."""
        return min((list(self._between(before, after, where)) for before, after in pairs), key=len)

    def _between(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        yield from self._values(old, new, where)
        yield from self._limits(old, new, where)
        yield from self._object(old, new, where)
        if "items" in old or "items" in new:
            yield from self.between(old.get("items", {}), new.get("items", {}), f"{where}[]")

    def _values(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        before, after = _types(old), _types(new)
        if not self._covered(before, after):
            yield f"{where}: the type was {_listed(before)} and is {_listed(after)}"
        choices, now = _choices(old), _choices(new)
        wide, narrow = (now, choices) if self.direction is Direction.TO_US else (choices, now)
        if wide is not None and (narrow is None or any(value not in wide for value in narrow)):
            yield f"{where}: the values were {_text(choices)} and are {_text(now)}"

    def _limits(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        outer, inner = (new, old) if self.direction is Direction.TO_US else (old, new)
        for names, exceeds in ((_CEILINGS, _is_more), (_FLOORS, _is_less)):
            for name in names:
                if name in outer and (name not in inner or exceeds(inner[name], outer[name])):
                    yield f"{where}: {name} was {old.get(name, 'open')} and is {new.get(name, 'open')}"
        for name in _EXACT:
            if name in outer and inner.get(name) != outer[name]:
                yield f"{where}: {name} was {old.get(name, 'open')} and is {new.get(name, 'open')}"

    def _object(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{where}.{name}: the field is gone"
            else:
                yield from self.between(before[name], after[name], f"{where}.{name}")
        if self.direction is Direction.TO_US:
            for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
                yield f"{where}.{name}: the field is required now"
        else:
            for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
                yield f"{where}.{name}: the field may be absent now"
        yield from self._others(old.get("additionalProperties", True), new.get("additionalProperties", True), where)

    def _others(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from self.between(old, new, f"{where}.*")
        elif self.direction is Direction.TO_US and old is not False and new is not True:
            yield f"{where}: other fields are not taken any more"
        elif self.direction is Direction.FROM_US and isinstance(old, Mapping) and new is not False:
            yield f"{where}.*: the fields may be anything now"

    def _covered(self, old: frozenset[str], new: frozenset[str]) -> bool:
        return old <= new if self.direction is Direction.TO_US else new <= old


def _alternatives(document: Mapping[str, Any], schema: Schema) -> list[Schema]:
    """The schemas, one of which applies."""
    if schema is True:
        return [{}]
    schema = _resolved(document, schema)
    unknown = {name for name in schema if not name.startswith("x-")} - _HANDLED - _NOTES
    if unknown:
        raise ValueError(f"The comparison of schemas does not know {sorted(unknown)}.")
    branches = schema.get("anyOf", schema.get("oneOf"))
    if branches is None:
        types = schema.get("type")
        return [{**schema, "type": name} for name in types] if isinstance(types, list) else [schema]
    common = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
    return [{**common, **found} for branch in branches for found in _alternatives(document, branch)]


def _resolved(document: Mapping[str, Any], schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        schema = found
    return schema


def _types(schema: Schema) -> frozenset[str]:
    choices = _choices(schema)
    if "type" in schema:
        types = frozenset([schema["type"]])
    elif choices is not None:
        types = frozenset(_TYPE_NAMES[type(choice)] for choice in choices)
    else:
        types = _ALL_TYPES
    return types | {"integer"} if "number" in types else types


def _choices(schema: Schema) -> Sequence[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _is_more(one: float, other: float) -> bool:
    return one > other


def _is_less(one: float, other: float) -> bool:
    return one < other


def _listed(types: frozenset[str]) -> str:
    return "anything" if types == _ALL_TYPES else " or ".join(sorted(types))


def _text(choices: Sequence[Any] | None) -> str:
    return "open" if choices is None else ", ".join(map(repr, choices))
