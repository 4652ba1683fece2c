"""Fixtures for real servers. `tests/conftest.py` makes them known to all tests.

The servers are shared by all tests of a run; whoever stops, kills or freezes one leaves it for the next test to start
again: the fixtures of fresh spaces do that.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest

from tests import services
from tests.services.mongodb import MongodbServer, MongodbSpace
from tests.services.mysql import MysqlServer
from tests.services.openai_stub import OpenaiStub
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.server import AnyServer, Server, Unavailable

SETTINGS = ("DATABASE_URL", "MONGODB_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "RABBITMQ_DSN", "REDIS_URL")
"""What the program would take from the environment of the tests; only `Servers` does."""

FIXTURES = {
    "mysql_server": "mysql_url",
    "rabbitmq_server": "rabbitmq_url",
    "redis_server": "redis_url",
    "mongodb_server": "mongodb_space",
    "openai_stub": "openai_stub",
}
"""Fixtures of servers, and of fresh spaces on them."""


class Servers:
    """The servers of a test run, each found and started when it is first asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._makers: Mapping[str, Callable[[], Server]] = {
            "mysql_server": partial(services.mysql, environment),
            "rabbitmq_server": partial(services.rabbitmq, environment),
            "redis_server": partial(services.redis, environment),
            "mongodb_server": partial(services.mongodb, environment),
            "openai_stub": services.openai_stub,
        }
        self.found: dict[str, Server] = {}
        self.unavailable: dict[str, Unavailable] = {}

    def launch(self, fixture: str) -> None:
        """Start a server in the background, if it can be had."""
        if fixture in self.found or fixture in self.unavailable:
            return
        try:
            self.found[fixture] = self._makers[fixture]()
        except Unavailable as error:
            self.unavailable[fixture] = error
        else:
            self.found[fixture].launch()

    def get(self, fixture: str) -> Server:
        """A server that answers. Skips the test if it cannot be had; with CI=true that fails."""
        self.launch(fixture)
        if fixture in self.unavailable:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(self.unavailable[fixture]))
        server = self.found[fixture]
        server.start()
        return server

    def close(self) -> None:
        """End all servers that were started."""
        for server in self.found.values():
            server.close()


SERVERS = pytest.StashKey[Servers]()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """All servers of this run."""
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def mysql_server(servers: Servers) -> MysqlServer:
    """MySQL or MariaDB."""
    return _as(MysqlServer, servers.get("mysql_server"))


@pytest.fixture(scope="session")
def rabbitmq_server(servers: Servers) -> RabbitmqServer:
    """RabbitMQ."""
    return _as(RabbitmqServer, servers.get("rabbitmq_server"))


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> RedisServer:
    """Redis."""
    return _as(RedisServer, servers.get("redis_server"))


@pytest.fixture(scope="session")
def mongodb_server(servers: Servers) -> MongodbServer:
    """MongoDB or its stand-in."""
    return _as(MongodbServer, servers.get("mongodb_server"))


@pytest.fixture(scope="session")
def _openai_stub(servers: Servers) -> OpenaiStub:
    return _as(OpenaiStub, servers.get("openai_stub"))


@pytest.fixture
def openai_stub(_openai_stub: OpenaiStub) -> OpenaiStub:
    """The OpenAI stub, with no calls counted."""
    _openai_stub.start()
    _openai_stub.reset()
    return _openai_stub


@pytest.fixture
def mysql_url(mysql_server: MysqlServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database."""
    mysql_server.start()
    with mysql_server.database() as url:
        yield url


@pytest.fixture
def rabbitmq_url(rabbitmq_server: RabbitmqServer) -> Iterator[str]:
    """The AMQP URL of an empty vhost."""
    rabbitmq_server.start()
    with rabbitmq_server.vhost() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: RedisServer) -> Iterator[str]:
    """The URL of an empty logical database."""
    redis_server.start()
    with redis_server.database() as url:
        yield url


@pytest.fixture
def mongodb_space(mongodb_server: MongodbServer) -> Iterator[MongodbSpace]:
    """The URL and name of an empty database."""
    mongodb_server.start()
    with mongodb_server.space() as space:
        yield space


def _as(kind: type[AnyServer], server: Server) -> AnyServer:
    assert isinstance(server, kind)
    return server
