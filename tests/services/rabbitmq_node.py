"""A RabbitMQ node on this machine that leaves nothing behind."""

from pathlib import Path
from shutil import which

from attrs import define

from tests.services.child import Child, data_folder
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import program

PLUGINS = "[rabbitmq_management,rabbitmq_prometheus].\n"
FRESH_TOTALS = "-rabbit quorum_tick_interval 1000"
"""Arguments for Erlang: quorum queues report their totals each second, not every five."""


@define(kw_only=True, eq=False)
class Node:
    """The Erlang machine, and its port mapper as a process of ours beside it.

    Left to itself Erlang would start a port mapper that outlives it and serves every other node of this machine.
    """

    broker: Child
    port_mapper: Child

    @property
    def running(self) -> bool:
        return self.broker.running

    def start(self) -> None:
        if not self.port_mapper.running:
            self.port_mapper.start()
        self.broker.start()

    def stop(self) -> None:
        self.broker.stop()

    def kill(self) -> None:
        self.broker.kill()

    def pause(self) -> None:
        self.broker.pause()

    def resume(self) -> None:
        self.broker.resume()

    def close(self) -> None:
        self.broker.close()
        self.port_mapper.close()

    def trouble(self) -> str | None:
        return self.broker.trouble()


def script() -> str | None:
    """The script that starts the server as whoever calls it. Debian has another of that name in front, which changes
    to a user of its own and fixes its folders."""
    packaged = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return str(packaged[-1]) if packaged else program("rabbitmq-server")


def node(server: str, ports: tuple[int, int, int], user: str, password: str) -> Node:
    """A node that has not started yet, on ports for AMQP, management and metrics."""
    folder, mapper_folder = data_folder("rabbitmq"), data_folder("epmd")
    mapper_port = str(free_port())
    (folder / "plugins").write_text(PLUGINS)
    (folder / "rabbitmq.conf").write_text(_configuration(ports, user, password))
    broker = Child(command=(server,), folder=folder, environment=_environment(folder, ports[0], mapper_port))
    mapper = Child(command=(_epmd(), "-port", mapper_port, "-address", LOOPBACK), folder=mapper_folder)
    return Node(broker=broker, port_mapper=mapper)


def _configuration(ports: tuple[int, int, int], user: str, password: str) -> str:
    port, management, prometheus = ports
    settings = {
        "listeners.tcp.1": f"{LOOPBACK}:{port}",
        "management.tcp.ip": LOOPBACK,
        "management.tcp.port": management,
        "prometheus.tcp.ip": LOOPBACK,
        "prometheus.tcp.port": prometheus,
        "default_user": user,
        "default_pass": password,
        "disk_free_limit.absolute": "50MB",
        "raft.wal_max_size_bytes": 64 * 1024 * 1024,
        "collect_statistics_interval": 1_000,  # ms: connections are known soon, not after five seconds
        "log.console.level": "warning",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _environment(folder: Path, port: int, mapper_port: str) -> dict[str, str]:
    return {
        "HOME": str(folder),  # of the cookie by which nodes know each other
        "ERL_EPMD_PORT": mapper_port,
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_NODENAME": f"penchant-{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{127,0,0,1}} {FRESH_TOTALS}",
        "RUNNING_UNDER_SYSTEMD": "true",  # become the Erlang machine, in place of waiting beside it: one process to end
    }


def _epmd() -> str:
    bundled = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    found = which("epmd") or (str(bundled[-1]) if bundled else None)
    if found is None:
        raise FileNotFoundError("epmd, Erlang's port mapper, is not beside RabbitMQ")
    return found
