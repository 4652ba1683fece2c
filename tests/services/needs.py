"""Which servers a test needs, and which adapter of which port it is about."""

from collections.abc import Mapping

import pytest
from attrs import frozen

from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.neo4j import Neo4jServer
from tests.services.openai_stub import OpenaiStub
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.server import Server

FIXTURES: Mapping[str, type[Server]] = {
    "mysql_server": MysqlServer,
    "rabbitmq_server": RabbitmqServer,
    "mongodb_server": MongodbServer,
    "neo4j_server": Neo4jServer,
    "qdrant_server": QdrantServer,
    "redis_server": RedisServer,
    "openai_server": OpenaiStub,
}
WORDS: Mapping[str, type[Server]] = {
    "mysql": MysqlServer,
    "mariadb": MysqlServer,
    "rabbitmq": RabbitmqServer,
    "mongodb": MongodbServer,
    "neo4j": Neo4jServer,
    "qdrant": QdrantServer,
    "redis": RedisServer,
    "openai": OpenaiStub,
}
"""Words in the names of adapters; contract tests ask for their servers only when they run."""


@frozen(kw_only=True)
class Subject:
    """What a contract test is about."""

    port: str
    adapter: str


def subject_of(item: pytest.Item) -> Subject | None:
    """The port (the test's module) and the adapter (the parameter of its fixture) of a contract test."""
    if item.path.parent.name != "contract":
        return None
    port = item.path.stem.removeprefix("test_").replace("_", " ")
    return Subject(port=port, adapter=_adapter(item))


def servers_of(item: pytest.Item) -> frozenset[type[Server]]:
    """The servers that a test uses."""
    by_fixture = {kind for name, kind in FIXTURES.items() if name in getattr(item, "fixturenames", ())}
    subject = subject_of(item)
    words = subject.adapter.split("-") if subject is not None else ()
    return frozenset(by_fixture | {WORDS[word] for word in words if word in WORDS})


def _adapter(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return ""
    cases = {name for mark in item.iter_markers("parametrize") for name in _argument_names(mark)}
    return "-".join(str(value) for name, value in callspec.params.items() if name not in cases)


def _argument_names(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs["argnames"]
    return [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
