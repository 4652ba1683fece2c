"""The supervisor's file, run by the real one on real servers."""

import getpass
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import pytest
from attrs import field, frozen
from supervisor.xmlrpc import SupervisorTransport

from tests.documents import ROOT
from tests.integration.production import Production, production_fixture, search  # noqa: F401
from tests.services.child import Child, data_folder
from tests.services.json_http import HttpError, call
from tests.services.ports import free_port
from tests.services.waiting import wait_until

pytestmark = pytest.mark.slow

FILE = ROOT / "deploy" / "supervisor" / "penchant.conf"
WRAPPER = ROOT / "deploy" / "penchant"
DEADLINE_SECONDS = 60.0
ADDRESSES = ("DATABASE_URL", "MONGODB_URL", "RABBITMQ_DSN", "REDIS_URL")
WORKERS = [f"penchant:penchant-worker-{n}" for n in range(1, 4)]
ALL = [*WORKERS, "penchant:penchant-relay", "penchant:penchant-api"]

SUPERVISORD = """\
[unix_http_server]
file={folder}/socket
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/pid
user={user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


@frozen(kw_only=True)
class Supervisor:
    """A supervisor with all of Penchant under it."""

    folder: Path
    api_port: int
    rpc: Any = field(repr=False)

    def answers(self) -> bool:
        """Whether it listens."""
        try:
            return bool(self.rpc.supervisor.getState()["statename"] == "RUNNING")
        except OSError:
            self.rpc("close")()  # a connection that failed takes no other request
            return False

    def state(self, name: str) -> dict[str, Any]:
        """What it knows of a process."""
        info: dict[str, Any] = self.rpc.supervisor.getProcessInfo(name)
        return info

    def journal(self, name: str) -> str:
        """All that a process and those before it have printed."""
        return (self.folder / f"{name.partition(':')[2]}.log").read_text()

    def wait_until_at_work(self, name: str, starts: int) -> None:
        """Wait until a worker has been started so often, and hears signals."""
        started = '"action": "worker_started"'
        wait_until(lambda: self.journal(name).count(started) >= starts, DEADLINE_SECONDS, f"{name} to work")

    def api_is_ready(self) -> bool:
        """Whether the API answers that it can serve."""
        try:
            return bool(call("GET", f"http://127.0.0.1:{self.api_port}/ready")["status"] == "ready")
        except HttpError:
            return False

    def wait_until_running(self, name: str) -> int:
        """The id of the process once it runs."""

        def pid() -> int:
            state = self.state(name)
            return state["pid"] if state["statename"] == "RUNNING" else 0

        return wait_until(pid, DEADLINE_SECONDS, f"{name} to run")


@pytest.fixture
def supervisor(production: Production) -> Iterator[Supervisor]:
    """Everything of the file, with the folders, the user and the port of this test."""
    folder, port = data_folder("supervisor"), free_port()
    secrets = folder / "etc" / "secrets"
    secrets.mkdir(parents=True)
    for name in ADDRESSES:
        (secrets / name.lower()).write_text(production.variables[name])
    (secrets / "api_keys").write_text(production.ok("keys", "new", "shop", "--scope", "ingest", "--json").json["line"])
    wrapper = WRAPPER.read_text().replace("/etc/penchant", str(secrets.parent))
    (folder / "penchant").write_text(
        wrapper.replace("/opt/penchant/bin/penchant", str(Path(sys.executable).with_name("penchant")))
    )
    (folder / "penchant").chmod(0o755)
    text = SUPERVISORD.format(folder=folder, user=getpass.getuser()) + FILE.read_text()
    for there, here in {
        "/usr/local/bin": str(folder),
        "/var/log/penchant": str(folder),
        "user=penchant\n": f"user={getpass.getuser()}\n",
        "--port 8080": f"--port {port}",
        "--metrics-port 912%(process_num)d": "",
        "--metrics-port 9102": "",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (folder / "supervisord.conf").write_text(text)
    others = {name: value for name, value in production.variables.items() if name not in ADDRESSES}
    server = Child(
        command=(
            str(Path(sys.executable).with_name("supervisord")),
            "--configuration",
            str(folder / "supervisord.conf"),
        ),
        folder=folder,
        environment={**others, "PENCHANT_HOME": str(folder / "home")},
    )
    server.start()
    try:
        transport = SupervisorTransport(None, None, f"unix://{folder}/socket")
        with ServerProxy("http://127.0.0.1", transport=transport) as rpc:
            running = Supervisor(folder=folder, api_port=port, rpc=rpc)
            wait_until(running.answers, DEADLINE_SECONDS, "the supervisor to answer")
            yield running
        server.stop()
    finally:
        server.close()


def test_all_run_and_apply_events_one_that_is_killed_comes_back_and_all_end_after_their_work(
    production: Production, supervisor: Supervisor
) -> None:
    first, *others = WORKERS
    pids = {name: supervisor.wait_until_running(name) for name in ALL}
    for name in WORKERS:
        supervisor.wait_until_at_work(name, starts=1)
    wait_until(supervisor.api_is_ready, DEADLINE_SECONDS, "the API to be ready")

    os.kill(pids[first], signal.SIGKILL)
    supervisor.wait_until_at_work(first, starts=2)

    production.record([search("supervised-1", "supervised", "tea")])
    production.wait_until_counted({"supervised": 1})

    production.ok("stop-workers")
    supervisor.wait_until_at_work(first, starts=3)
    for name in others:
        supervisor.wait_until_at_work(name, starts=2)

    for name in ALL:
        supervisor.wait_until_running(name)
    supervisor.rpc.supervisor.stopAllProcesses()

    assert [supervisor.state(name)["exitstatus"] for name in ALL] == [0] * len(ALL)
    assert all("asked to stop" in supervisor.journal(name) for name in WORKERS)
