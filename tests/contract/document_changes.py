"""What breaks others between two OpenAPI or AsyncAPI documents, or two schemas by themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.schema_changes import Direction, SchemaChanges

Document = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SENT_TO_US = ("event.schema.json",)
"""Schemas of what others write; all others describe what we write."""
_BY_ACTION = {"receive": Direction.TO_US, "send": Direction.FROM_US}


def breaking_changes(name: str, old: Document, new: Document) -> list[str]:
    """A sentence for each change of a contract, by the name of its file, that breaks somebody."""
    if name == "openapi.json":
        return list(_Openapi(old, new).changes())
    if name == "asyncapi.json":
        return list(_Asyncapi(old, new).changes())
    direction = Direction.TO_US if name in SENT_TO_US else Direction.FROM_US
    return SchemaChanges(old=old, new=new, direction=direction).between(old, new, name)


class _Openapi:
    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._to_us = SchemaChanges(old=old, new=new, direction=Direction.TO_US)
        self._from_us = SchemaChanges(old=old, new=new, direction=Direction.FROM_US)

    def changes(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            for method in (method for method in METHODS if method in item):
                where = f"{method.upper()} {path}"
                after = self._new["paths"].get(path, {}).get(method)
                if after is None:
                    yield f"{where} is gone"
                    continue
                names = [operation.get("operationId") for operation in (item[method], after)]
                if names[0] != names[1]:  # generated clients call it so
                    yield f"{where}: the operation was {names[0]} and is {names[1]}"
                yield from self._parameters(item[method], after, where)
                yield from self._body(item[method].get("requestBody"), after.get("requestBody"), where)
                yield from self._responses(item[method]["responses"], after["responses"], where)

    def _parameters(self, old: Document, new: Document, where: str) -> Iterator[str]:
        before, after = (
            {(parameter["in"], parameter["name"].lower()): parameter for parameter in operation.get("parameters", ())}
            for operation in (old, new)
        )
        for key, parameter in before.items():
            name = f"{where}: the parameter {parameter['name']}"
            if key not in after:
                yield f"{name} is gone"
            else:
                yield from self._to_us.between(parameter["schema"], after[key]["schema"], name)
        for key, parameter in after.items():
            if parameter.get("required", False) and not before.get(key, {}).get("required", False):
                yield f"{where}: the parameter {parameter['name']} is required now"

    def _body(self, old: Document | None, new: Document | None, where: str) -> Iterator[str]:
        before, after = (body if body is not None else {} for body in (old, new))
        if after.get("required", False) and not before.get("required", False):
            yield f"{where}: a body is required now"
        yield from _contents(self._to_us, before, after, f"{where}: the body")

    def _responses(self, old: Document, new: Document, where: str) -> Iterator[str]:
        for status, response in old.items():
            name = f"{where}: the answer {status}"
            if status not in new:
                yield f"{name} is gone"
                continue
            for header in response.get("headers", {}):
                if header not in new[status].get("headers", {}):
                    yield f"{name} has no {header} any more"
            yield from _contents(self._from_us, response, new[status], name)


def _contents(schemas: SchemaChanges, old: Document, new: Document, where: str) -> Iterator[str]:
    after = new.get("content", {})
    for media_type, content in old.get("content", {}).items():
        if media_type not in after:
            yield f"{where} in {media_type} is gone"
        else:
            yield from schemas.between(content.get("schema", {}), after[media_type].get("schema", {}), where)


class _Asyncapi:
    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new

    def changes(self) -> Iterator[str]:
        for name, channel in self._old["channels"].items():
            after = self._new["channels"].get(name)
            if after is None:
                yield f"the channel {name} is gone"
                continue
            for field in ("address", "bindings", "x-queue-arguments"):
                if channel.get(field) != after.get(field):
                    yield f"the channel {name}: {field} was {channel.get(field)} and is {after.get(field)}"
            for queue in channel.get("x-bound-queues", ()):
                if queue not in after.get("x-bound-queues", ()):
                    yield f"the channel {name}: {queue} is not bound any more"
        for name, operation in self._old["operations"].items():
            after = self._new["operations"].get(name)
            if after is None or after["action"] != operation["action"] or after["channel"] != operation["channel"]:
                yield f"the operation {name} is gone"
                continue
            yield from self._messages(operation, name)

    def _messages(self, operation: Document, where: str) -> Iterator[str]:
        channel = operation["channel"]["$ref"].removeprefix("#/channels/").replace("~1", "/").replace("~0", "~")
        old, new = (document["channels"].get(channel, {}).get("messages", {}) for document in (self._old, self._new))
        schemas = SchemaChanges(old=self._old, new=self._new, direction=_BY_ACTION[operation["action"]])
        for name in old:
            if name not in new:
                yield f"{where}: the message {name} is gone"
                continue
            before, after = (document["components"]["messages"][name] for document in (self._old, self._new))
            for part in ("headers", "payload"):
                yield from schemas.between(before.get(part, {}), after.get(part, {}), f"{where}: {name}'s {part}")
