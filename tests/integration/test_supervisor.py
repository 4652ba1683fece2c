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
DEADLINE_SECONDS = 60.0
ADDRESSES = ("DATABASE_URL", "MONGODB_URL", "RABBITMQ_DSN", "REDIS_URL")
WORKERS = [f"penchant:penchant-worker-{n}" for n in range(3)]
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

    def state(self, name: str) -> dict[str, Any]:
        """What it knows of a process."""
        info: dict[str, Any] = self.rpc.supervisor.getProcessInfo(name)
        return info

    def api_is_ready(self) -> bool:
        """Whether the API answers that it can serve."""
        try:
            return bool(call("GET", f"http://127.0.0.1:{self.api_port}/ready")["status"] == "ready")
        except HttpError:
            return False

    def wait_until_running(self, name: str, not_pid: int = 0) -> int:
        """The id of the process once it runs, and is another one than `not_pid`."""

        def pid() -> int:
            state = self.state(name)
            return state["pid"] if state["statename"] == "RUNNING" and state["pid"] != not_pid else 0

        return wait_until(pid, DEADLINE_SECONDS, f"{name} to run")


@pytest.fixture
def supervisor(production: Production) -> Iterator[Supervisor]:
    """Everything of the file, with the folders, the user and the port of this test."""
    folder, port = data_folder("supervisor"), free_port()
    for name in ADDRESSES:
        (folder / name.lower()).write_text(production.variables[name])
    (folder / "api_keys").write_text(production.ok("keys", "new", "shop", "--scope", "ingest", "--json").json["line"])
    text = SUPERVISORD.format(folder=folder, user=getpass.getuser()) + FILE.read_text()
    for there, here in {
        "/opt/penchant/bin": str(Path(sys.executable).parent),
        "/etc/penchant/secrets": str(folder),
        "/var/log/penchant": str(folder),
        "user=penchant\n": f"user={getpass.getuser()}\n",
        "--port 8080": f"--port {port}",
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
        wait_until((folder / "socket").exists, DEADLINE_SECONDS, "the supervisor to listen")
        transport = SupervisorTransport(None, None, f"unix://{folder}/socket")
        with ServerProxy("http://127.0.0.1", transport=transport) as rpc:
            yield Supervisor(folder=folder, api_port=port, rpc=rpc)
        server.stop()
    finally:
        server.close()


def test_all_run_and_apply_events_one_that_is_killed_comes_back_and_all_end_after_their_work(
    production: Production, supervisor: Supervisor
) -> None:
    pids = {name: supervisor.wait_until_running(name) for name in ALL}

    os.kill(pids[WORKERS[0]], signal.SIGKILL)
    assert supervisor.wait_until_running(WORKERS[0], not_pid=pids[WORKERS[0]]) not in pids.values()

    production.record([search("supervised-1", "supervised", "tea")])
    production.wait_until_counted({"supervised": 1})
    wait_until(supervisor.api_is_ready, DEADLINE_SECONDS, "the API to be ready")

    production.ok("stop-workers")
    again = {name: supervisor.wait_until_running(name, not_pid=pids[name]) for name in WORKERS[1:]}
    assert len(set(again.values())) == 2

    supervisor.rpc.supervisor.stopAllProcesses()

    assert [supervisor.state(name)["exitstatus"] for name in ALL] == [0] * len(ALL)
    assert "asked to stop" in (supervisor.folder / "penchant-worker-1.log").read_text()
