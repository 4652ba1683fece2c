"""Redis."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import urlsplit, urlunsplit

import redis as client
from attrs import define, field

from tests.services.child import Child, data_folder
from tests.services.containers import Container, docker_answers
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, first_of, from_environment, program

IMAGE = "redis:7"
PORT = 6379
PROBE_SECONDS = 5
HOW = "set REDIS_URL=redis://host:6379, or start Docker, or install redis-server (`make services`)"
OPTIONS = ("--save", "", "--appendonly", "no", "--databases", "64")


@define(kw_only=True, eq=False)
class RedisServer(Server):
    """Redis without persistence: it forgets everything when it stops; `url` has no logical database."""

    name: ClassVar[str] = "Redis"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (client.ConnectionError, client.TimeoutError)

    _given: set[int] = field(factory=set, init=False)
    """Logical databases that tests have at the moment."""

    def ask_version(self) -> str:
        with self.connect() as connection:
            return str(connection.info("server")["redis_version"])

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty logical database, which is flushed afterwards. One that holds anything is left alone."""
        number = self._empty_database()
        self._given.add(number)
        try:
            yield self._url_of(number)
        finally:
            self._given.discard(number)
            if self.running:
                self.start()
                with self.connect(number) as connection:
                    connection.flushdb()

    def connect(self, database: int = 0) -> client.Redis:
        """A client of one logical database."""
        return client.Redis.from_url(
            self._url_of(database),
            decode_responses=True,
            socket_timeout=PROBE_SECONDS,
            socket_connect_timeout=PROBE_SECONDS,
        )

    def _empty_database(self) -> int:
        with self.connect() as connection:
            taken = {int(name.removeprefix("db")) for name in connection.info("keyspace")}
            count = int(connection.config_get("databases")["databases"])
        for number in reversed(range(1, count)):
            if number not in taken | self._given:
                return number
        raise RuntimeError("every logical database of this Redis holds something; tests need an empty one")

    def _url_of(self, database: int) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))


def redis(environment: Mapping[str, str] = os.environ) -> RedisServer:
    """A Redis server, not started yet. Raises Unavailable."""
    return first_of(RedisServer.name, (lambda: _foreign(environment), _in_docker, _native), HOW)


def _foreign(environment: Mapping[str, str]) -> RedisServer | None:
    url = from_environment(environment.get("REDIS_URL"), ("redis", "rediss"))
    if url is None:
        return None
    return RedisServer(url=urlunsplit(urlsplit(url)._replace(path="")), origin=Origin.ENVIRONMENT, runner=Foreign())


def _in_docker() -> RedisServer | None:
    if not docker_answers():
        return None
    port = free_port()
    container = Container(image=IMAGE, ports={PORT: port}, command=("redis-server", *OPTIONS))
    return RedisServer(url=_url(port), origin=Origin.DOCKER, runner=container)


def _native() -> RedisServer | None:
    server = program("redis-server")
    if server is None:
        return None
    port, folder = free_port(), data_folder("redis")
    command = (server, "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder), *OPTIONS)
    return RedisServer(url=_url(port), origin=Origin.NATIVE, runner=Child(command=command, folder=folder))


def _url(port: int) -> str:
    return f"redis://{LOOPBACK}:{port}"
