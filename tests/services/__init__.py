"""How a test, a benchmark or a chaos run gets a real server.

Each of `mysql()`, `rabbitmq()`, `mongodb()`, `redis()`, `neo4j()`, `qdrant()` and `openai_stub()` finds its server (the
URL in the environment, Docker, a program on this machine, a stand-in, in this order) or raises `Unavailable`, which
says how to get one. A server starts in a `with` block, or by `start()`; several start at once by `start_together`.
Under pytest the fixtures of `tests/services/fixtures.py` do that. May be imported by anything under tests and
benchmarks.
"""

from tests.services.mongodb import MongodbServer, MongodbSpace, mongodb
from tests.services.mysql import MysqlServer, mysql
from tests.services.neo4j import Neo4jServer, neo4j
from tests.services.openai_stub import Call, OpenaiStub, openai_stub
from tests.services.qdrant import QdrantServer, qdrant
from tests.services.rabbitmq import QueueInfo, RabbitmqServer, rabbitmq
from tests.services.redis import RedisServer, redis
from tests.services.server import NotOurs, Origin, Server, Unavailable, start_together
from tests.services.waiting import wait_until

__all__ = [
    "Call",
    "MongodbServer",
    "MongodbSpace",
    "MysqlServer",
    "Neo4jServer",
    "NotOurs",
    "OpenaiStub",
    "Origin",
    "QdrantServer",
    "QueueInfo",
    "RabbitmqServer",
    "RedisServer",
    "Server",
    "Unavailable",
    "mongodb",
    "mysql",
    "neo4j",
    "openai_stub",
    "qdrant",
    "rabbitmq",
    "redis",
    "start_together",
    "wait_until",
]
