"""A shell that runs the commands of the documents as they stand, on servers of the tests.

Addresses are replaced by those of the servers. Programs that look for a server where it usually is, such as mariadb and
rabbitmqctl, find ours instead; those that change the machine (apt-get, make) do nothing here.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from tests.integration.penchant_process import PenchantProcess
from tests.services import rabbitmq_node
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.ports import free_port
from tests.services.rabbitmq import RabbitmqServer
from tests.services.rabbitmq_node import Node
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 240.0
EXPORTED = "exported.sh"


@frozen(kw_only=True)
class DocumentShell:
    """The shell, in a folder of its own."""

    folder: Path
    addresses: Mapping[str, str]
    """What stands in the documents, and what is meant here."""
    variables: Mapping[str, str] = field(repr=False)
    _numbers: Iterator[int] = field(factory=lambda: count(1), init=False, repr=False)

    def run(self, commands: str) -> str:
        """Run these to their end, after what earlier ones have exported; return what they printed.

        Fails when one of them does.
        """
        with self._start(commands) as process:
            wait_until(lambda: not process.running, DEADLINE_SECONDS, f"the end of\n{commands}")
        assert process.wait() == 0, f"{commands}\n{process.text}"
        return process.text

    def running(self, commands: str) -> PenchantProcess:
        """Run these in the background for the time of a block."""
        return self._start(f"exec {commands}")

    def _start(self, commands: str) -> PenchantProcess:
        for there, here in self.addresses.items():
            commands = commands.replace(there, here)
        keep = f"trap 'export -p > {EXPORTED}' EXIT\n[ ! -e {EXPORTED} ] || . ./{EXPORTED}\n"
        return PenchantProcess(
            command=["bash", "-euo", "pipefail", "-c", keep + commands],
            environment=self._environment(),
            output=self.folder / f"commands-{next(self._numbers)}.log",
        )

    def _environment(self) -> Mapping[str, str]:
        ours = ("PENCHANT_", "EMBEDDING_", "WORKER_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), kept["PATH"]])
        home = str(self.folder / "home")
        return {**kept, "PATH": path, "PENCHANT_HOME": home, "COLUMNS": "200", "TERM": "dumb", **self.variables}


def document_shell(
    folder: Path,
    mysql: MysqlServer,
    rabbitmq: RabbitmqServer,
    mongodb: MongodbServer,
    redis: RedisServer,
    operator_url: str,
) -> DocumentShell:
    """A shell on servers that run as programs on this machine, for an operator with a user of RabbitMQ's."""
    api = f"127.0.0.1:{free_port()}"
    operator = urlsplit(operator_url)
    _write_programs(folder / "bin", mysql, rabbitmq)
    return DocumentShell(
        folder=folder,
        addresses={
            "@127.0.0.1/penchant": f"@127.0.0.1:{urlsplit(mysql.url).port}/penchant",
            "@127.0.0.1/%2f": f"@127.0.0.1:{operator.port}/%2f",
            "redis://127.0.0.1/0": f"{redis.url}/0",
            "mongodb://127.0.0.1/": mongodb.url,
            "http://127.0.0.1:15672": rabbitmq.management_url,
            "127.0.0.1:8080": api,
            "penchant serve": f"penchant serve --port {api.partition(':')[2]}",
        },
        variables={"RABBITMQ_OPERATOR": f"{operator.username}:{unquote(operator.password or '')}"},
    )


def _write_programs(folder: Path, mysql: MysqlServer, rabbitmq: RabbitmqServer) -> None:
    folder.mkdir()
    url = urlsplit(mysql.url)
    login = [f"--host={url.hostname}", f"--port={url.port}", f"--user={url.username}", f"--password={url.password}"]
    for name in ("mariadb", "mysql", "mysqldump"):
        program = shutil.which(name)
        if program is not None:
            _write_program(folder / name, [program, "--no-defaults", *login])
    runner, script = rabbitmq.runner, rabbitmq_node.script()
    assert isinstance(runner, Node)
    assert script is not None
    settings = [f"{name}={value}" for name, value in runner.broker.environment.items()]
    _write_program(folder / "rabbitmqctl", ["env", *settings, str(Path(script).with_name("rabbitmqctl"))])
    _write_program(folder / "sudo", ["env"])
    for name in ("apt-get", "make"):
        _write_program(folder / name, ["true"])


def _write_program(path: Path, command: list[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)
