"""All servers of a test run."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NoReturn

import pytest

from tests.services.mongodb import MongodbServer, mongodb
from tests.services.mysql import MysqlServer, mysql
from tests.services.neo4j import Neo4jServer, neo4j
from tests.services.openai_stub import OpenaiStub, openai_stub
from tests.services.qdrant import QdrantServer, qdrant
from tests.services.rabbitmq import RabbitmqServer, rabbitmq
from tests.services.redis import RedisServer, redis
from tests.services.server import AnyServer, Server, Unavailable

SETTINGS = (
    "DATABASE_URL",
    "MONGODB_URL",
    "NEO4J_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "QDRANT_URL",
    "RABBITMQ_DSN",
    "REDIS_URL",
)
"""What the program would take from the environment of the tests; only `Servers` does."""

KINDS: tuple[type[Server], ...] = (
    MysqlServer,
    RabbitmqServer,
    MongodbServer,
    RedisServer,
    Neo4jServer,
    QdrantServer,
    OpenaiStub,
)

Maker = Callable[[], Server]
Cause = Unavailable | RuntimeError | OSError


def makers(environment: Mapping[str, str]) -> Mapping[type[Server], Maker]:
    """How to get each kind of server."""
    return {
        MysqlServer: partial(mysql, environment),
        RabbitmqServer: partial(rabbitmq, environment),
        MongodbServer: partial(mongodb, environment),
        RedisServer: partial(redis, environment),
        Neo4jServer: partial(neo4j, environment),
        QdrantServer: partial(qdrant, environment),
        OpenaiStub: openai_stub,
    }


class Servers:
    """The servers of a test run, each found and started when it is first asked for."""

    def __init__(self, makers: Mapping[type[Server], Maker]) -> None:
        self._makers = makers
        self._found: dict[type[Server], Server | Cause] = {}

    def launch(self, kinds: Iterable[type[Server]]) -> None:
        """Start servers in the background; `get` says what went wrong."""
        for kind in kinds:
            if kind not in self._found:
                self._found[kind] = self._launched(kind)

    def get(self, kind: type[AnyServer]) -> AnyServer:
        """A server that answers. Skips the test if it cannot be had; with CI=true that fails."""
        self.launch([kind])
        found = self._found[kind]
        if isinstance(found, Unavailable):
            give_up(str(found))
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, kind)
        found.start()
        return found

    def found(self, kind: type[Server]) -> Server | Cause | None:
        """The server, or why there is none; None if it was not asked for."""
        return self._found.get(kind)

    def close(self) -> None:
        """End all servers that were started."""
        for server in self._found.values():
            if isinstance(server, Server):
                server.close()

    def _launched(self, kind: type[Server]) -> Server | Cause:
        try:
            server = self._makers[kind]()
            server.launch()
        except (Unavailable, RuntimeError, OSError) as error:
            return error
        return server


def give_up(reason: str) -> NoReturn:
    """Skip the test; with CI=true, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
