"""MongoDB, or a stand-in for it."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import pymongo
import pymongo.errors
from attrs import define, field, frozen

from tests.services import maven
from tests.services.child import Child, data_folder
from tests.services.containers import Container, docker_answers
from tests.services.mongodb_stand_in import build
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, Unavailable, first_of, from_environment, program

IMAGE = "mongo:8"
PORT = 27017
PREFIX = "penchant_test_"
PROBE_MS = 5_000
HOW = "set MONGODB_URL=mongodb://host/, or start Docker, or install mongod, or a JDK and Maven (`make services`)"


@frozen(kw_only=True)
class MongodbSpace:
    """An empty database of one test."""

    url: str = field(repr=False)
    database: str


@define(kw_only=True, eq=False)
class MongodbServer(Server):
    """MongoDB. The stand-in keeps everything in memory, so it forgets when it stops, and enforces no validators."""

    name: ClassVar[str] = "MongoDB"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (pymongo.errors.ConnectionFailure,)
    stand_in: ClassVar[str] = "mongo-java-server, in memory, no validators"

    def ask_version(self) -> str:
        with self.connect() as connection:
            return str(connection.server_info()["version"])

    @property
    def enforces_validators(self) -> bool:
        """Whether `$jsonSchema` is more than stored."""
        return self.origin != Origin.STAND_IN

    @contextmanager
    def space(self) -> Iterator[MongodbSpace]:
        """The URL and the name of a fresh database, which is dropped afterwards."""
        space = MongodbSpace(url=self.url, database=PREFIX + secrets.token_hex(6))
        try:
            yield space
        finally:
            if self.running:
                self.start()
                with self.connect() as connection:
                    connection.drop_database(space.database)

    def connect(self) -> "pymongo.MongoClient[dict[str, Any]]":
        """A client."""
        return pymongo.MongoClient(self.url, serverSelectionTimeoutMS=PROBE_MS, connectTimeoutMS=PROBE_MS)


def mongodb(environment: Mapping[str, str] = os.environ) -> MongodbServer:
    """A MongoDB server or its stand-in, not started yet. Raises Unavailable."""
    return first_of(MongodbServer.name, (lambda: _foreign(environment), _in_docker, _native, _stand_in), HOW)


def _foreign(environment: Mapping[str, str]) -> MongodbServer | None:
    url = from_environment(environment.get("MONGODB_URL"), ("mongodb",))
    return MongodbServer(url=url, origin=Origin.ENVIRONMENT, runner=Foreign()) if url is not None else None


def _in_docker() -> MongodbServer | None:
    if not docker_answers():
        return None
    port = free_port()
    return MongodbServer(url=_url(port), origin=Origin.DOCKER, runner=Container(image=IMAGE, ports={PORT: port}))


def _native() -> MongodbServer | None:
    server = program("mongod")
    if server is None:
        return None
    port, folder = free_port(), data_folder("mongodb")
    data = folder / "data"
    data.mkdir()
    options = ("--bind_ip", LOOPBACK, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.5")
    command = (server, "--dbpath", str(data), "--port", str(port), *options)
    return MongodbServer(url=_url(port), origin=Origin.NATIVE, runner=Child(command=command, folder=folder))


def _stand_in() -> MongodbServer | None:
    try:
        command = build.command()
    except maven.BuildFailed as error:
        raise Unavailable(MongodbServer.name, f"{HOW}; the stand-in could not be built: {error}") from error
    if command is None:
        return None
    port = free_port()
    child = Child(command=(*command, LOOPBACK, str(port)), folder=data_folder("mongodb"))
    return MongodbServer(url=_url(port), origin=Origin.STAND_IN, runner=child)


def _url(port: int) -> str:
    return f"mongodb://{LOOPBACK}:{port}/"
