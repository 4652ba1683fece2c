"""Fixtures for real servers. `tests/conftest.py` makes them known to all tests.

The servers are shared by all tests of a run; whoever stops, kills or freezes one may leave it so: the fixtures of fresh
spaces start it again.
"""

from collections.abc import Iterator

import pytest

from tests.services.mongodb import MongodbServer, MongodbSpace
from tests.services.mysql import MysqlServer
from tests.services.neo4j import Neo4jServer
from tests.services.openai_stub import OpenaiStub
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.servers import Servers

SERVERS = pytest.StashKey[Servers]()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """All servers of this run."""
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def mysql_server(servers: Servers) -> MysqlServer:
    """MySQL or MariaDB."""
    return servers.get(MysqlServer)


@pytest.fixture(scope="session")
def rabbitmq_server(servers: Servers) -> RabbitmqServer:
    """RabbitMQ."""
    return servers.get(RabbitmqServer)


@pytest.fixture(scope="session")
def redis_server(servers: Servers) -> RedisServer:
    """Redis."""
    return servers.get(RedisServer)


@pytest.fixture(scope="session")
def mongodb_server(servers: Servers) -> MongodbServer:
    """MongoDB or its stand-in."""
    return servers.get(MongodbServer)


@pytest.fixture(scope="session")
def neo4j_server(servers: Servers) -> Neo4jServer:
    """Neo4j."""
    return servers.get(Neo4jServer)


@pytest.fixture(scope="session")
def qdrant_server(servers: Servers) -> QdrantServer:
    """Qdrant or its stand-in."""
    return servers.get(QdrantServer)


@pytest.fixture(scope="session")
def openai_server(servers: Servers) -> OpenaiStub:
    """The OpenAI stub with whatever earlier tests have left in it."""
    return servers.get(OpenaiStub)


@pytest.fixture
def openai_stub(openai_server: OpenaiStub) -> OpenaiStub:
    """The OpenAI stub: it answers as it should, and has counted no calls."""
    openai_server.start()
    openai_server.reset()
    return openai_server


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


@pytest.fixture
def neo4j_url(neo4j_server: Neo4jServer) -> Iterator[str]:
    """The URL of an empty graph."""
    neo4j_server.start()
    with neo4j_server.graph() as url:
        yield url


@pytest.fixture
def qdrant_url(qdrant_server: QdrantServer) -> Iterator[str]:
    """The URL, with its key, of a server without collections."""
    qdrant_server.start()
    with qdrant_server.space() as url:
        yield url
