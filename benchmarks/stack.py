"""The servers that production runs on, started for the benchmarks; each run gets names of its own on them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import field, frozen

from application.active_recipe import adopt_recipe
from entrypoints.container import Container
from entrypoints.doctor import installables
from entrypoints.settings import Settings
from tests import services
from tests.services.child import Child

WORK_QUEUE = "user_embedding_updates"
USER_EMBEDDINGS = "user_embeddings"


@frozen(kw_only=True)
class Space:
    """An empty database, vhost and document database, and the settings that lead to them."""

    stack: "Stack"
    rabbitmq_url: str = field(repr=False)
    mongodb: services.MongodbSpace = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    @property
    def program_environment(self) -> dict[str, str]:
        """The whole environment of a process of the program."""
        return {**os.environ, **self.environment}

    @contextmanager
    def container(self) -> Iterator[Container]:
        """Penchant's parts in this process, after `penchant setup`."""
        container = Container(settings=Settings(**self.environment))  # type: ignore[arg-type]
        try:
            for part in installables(container, True):
                part.install()
            adopt_recipe(container.registry(), container.recipe())
            yield container
        finally:
            container.shutdown_resources()


@frozen(kw_only=True)
class Stack:
    """The servers, all of them running."""

    mysql: services.MysqlServer
    rabbitmq: services.RabbitmqServer
    mongodb: services.MongodbServer
    openai: services.OpenaiStub

    @contextmanager
    def space(self) -> Iterator[Space]:
        """A fresh space, dropped afterwards."""
        with (
            TemporaryDirectory() as home,
            self.mysql.database() as database_url,
            self.rabbitmq.vhost() as rabbitmq_url,
            self.mongodb.space() as mongodb,
        ):
            yield Space(
                stack=self,
                rabbitmq_url=rabbitmq_url,
                mongodb=mongodb,
                environment={
                    "PENCHANT_HOME": str(Path(home)),
                    "DATABASE_URL": database_url,
                    "RABBITMQ_DSN": rabbitmq_url,
                    "MONGODB_URL": mongodb.url,
                    "MONGODB_DATABASE": mongodb.database,
                    "OPENAI_API_KEY": self.openai.api_key,
                    "OPENAI_BASE_URL": self.openai.url,
                },
            )

    @property
    def servers(self) -> Mapping[str, services.Server]:
        """By the name of what they are for us."""
        return {"MySQL": self.mysql, "RabbitMQ": self.rabbitmq, "MongoDB": self.mongodb}

    @property
    def described(self) -> str:
        """What these servers are, stand-ins named."""
        return "; ".join(_described(server) for server in [*self.servers.values(), self.openai])

    def pids(self) -> Mapping[str, int]:
        """The process that leads each server, where it is a child of ours."""
        found = {}
        for name, server in self.servers.items():
            runner = getattr(server.runner, "broker", server.runner)
            if isinstance(runner, Child) and runner.running:
                found[name] = runner.pid
        return found


@contextmanager
def running() -> Iterator[Stack]:
    """The stack, ended when the block is. Raises services.Unavailable where a server cannot be had."""
    with ExitStack() as servers:
        stack = Stack(
            mysql=services.mysql(),
            rabbitmq=services.rabbitmq(),
            mongodb=services.mongodb(),
            openai=services.openai_stub(),
        )
        all_of_them = (stack.mysql, stack.rabbitmq, stack.mongodb, stack.openai)
        for server in all_of_them:
            servers.callback(server.close)
        services.start_together(*all_of_them)
        yield stack


def _described(server: services.Server) -> str:
    if server.origin == services.Origin.STAND_IN:
        return f"{server.name} is a STAND-IN ({server.stand_in})"
    return f"{server.name} {server.version}"
