"""The servers of a run, the empty spaces on them, and the program `penchant` configured for these."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.services import MongodbServer, MysqlServer, Origin, RabbitmqServer, RedisServer, Server

OURS = ("PENCHANT_", "EMBEDDING_", "WORKER_", "OPENAI_")
COMMAND_SECONDS = 120
ROOT = Path(__file__).parents[2]
"""The repository: recorders are modules of the tests."""


@frozen(kw_only=True)
class House:
    """Where a run takes place."""

    mysql: MysqlServer
    rabbitmq: RabbitmqServer
    mongodb: MongodbServer
    redis: RedisServer
    variables: Mapping[str, str]
    """The environment of every process of Penchant."""

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of them."""
        return (self.rabbitmq, self.mysql, self.mongodb, self.redis)

    @property
    def mongodb_forgets(self) -> bool:
        """Whether MongoDB loses everything when it is killed."""
        return self.mongodb.origin == Origin.STAND_IN

    def penchant(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the program to its end; one that does not come to it counts as failed."""
        command = program(*arguments)
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env={**os.environ, **self.variables},
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", f"no end of it in {COMMAND_SECONDS} s")

    def container(self) -> Container:
        """The parts of the program, to look at what is stored. Shut its resources down after use."""
        return Container(settings=Settings(**{name: value for name, value in self.variables.items() if value}))


@contextmanager
def moved_into(
    mysql: MysqlServer, rabbitmq: RabbitmqServer, mongodb: MongodbServer, redis: RedisServer
) -> Iterator[House]:
    """A house on empty spaces of these running servers, ready for work."""
    with ExitStack() as stack:
        space = stack.enter_context(mongodb.space())
        inherited = {name: "" for name in os.environ if name.startswith(OURS)}  # empty means unset
        variables = {
            **inherited,
            "DATABASE_URL": stack.enter_context(mysql.database()),
            "RABBITMQ_DSN": stack.enter_context(rabbitmq.vhost()),
            "MONGODB_URL": space.url,
            "MONGODB_DATABASE": space.database,
            "REDIS_URL": stack.enter_context(redis.database()),
            "WORKER_RETRY_DELAY": "200",
            "PENCHANT_CATCH_UP_INTERVAL": "5",
            "PYTHONPATH": os.pathsep.join(path for path in (str(ROOT), os.environ.get("PYTHONPATH")) if path),
        }
        house = House(mysql=mysql, rabbitmq=rabbitmq, mongodb=mongodb, redis=redis, variables=variables)
        done = house.penchant("setup", "--create-indexes")
        if done.returncode:
            raise RuntimeError(f"penchant setup failed:\n{done.stdout}{done.stderr}")
        yield house


def program(*arguments: str) -> list[str]:
    """The command line of `penchant`."""
    return [str(Path(sys.executable).with_name("penchant")), *arguments]
