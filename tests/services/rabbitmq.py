"""RabbitMQ with its management and prometheus plugins."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import amqp
from amqp.exceptions import AMQPError
from attrs import define, frozen

from tests.services import rabbitmq_node
from tests.services.containers import Container, docker_answers
from tests.services.json_http import HttpError, call
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, first_of, from_environment

IMAGE = "rabbitmq:4-management"
PORT, MANAGEMENT_PORT, PROMETHEUS_PORT = 5672, 15672, 15692
USER = "tests"
PREFIX = "penchant_test_"
MANAGEMENT_SETTING = "PENCHANT_TEST_RABBITMQ_MANAGEMENT"
HOW = (
    "set RABBITMQ_DSN=amqp://user:password@host/ (its management API is expected on port 15672, or at"
    f" {MANAGEMENT_SETTING}), or start Docker, or install rabbitmq-server (`make services`)"
)


@frozen(kw_only=True)
class QueueInfo:
    """A queue. `ready` and `consumers` are of now, `unacknowledged` may be a second late."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    ready: int
    consumers: int
    unacknowledged: int


@define(kw_only=True, eq=False)
class RabbitmqServer(Server):
    """RabbitMQ; `url` has an administrator's user and no vhost."""

    name: ClassVar[str] = "RabbitMQ"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (OSError, AMQPError, HttpError)

    management_url: str
    """Without a slash at the end."""
    prometheus_url: str | None
    """Its metrics page, where we started it."""

    def ask_version(self) -> str:
        with self.connection(self._url_of("/")):
            return str(self.management("GET", "/api/overview")["rabbitmq_version"])

    @contextmanager
    def vhost(self) -> Iterator[str]:
        """The AMQP URL of a fresh vhost, with all permissions; it is deleted afterwards with all that it holds."""
        name = PREFIX + secrets.token_hex(6)
        self.management("PUT", f"/api/vhosts/{name}", {})
        self._permit(name, self._user, ".*", ".*", ".*")
        try:
            yield self._url_of(name)
        finally:
            if self.running:
                self.start()
                self.management("DELETE", f"/api/vhosts/{name}")

    @contextmanager
    def user(
        self, vhost_url: str, configure: str = "", write: str = "", read: str = "", tags: str = ""
    ) -> Iterator[str]:
        """The URL of the same vhost for a fresh user with these permissions (regular expressions; "" is nothing)."""
        name, password = PREFIX + secrets.token_hex(6), secrets.token_hex(8)
        self.management("PUT", f"/api/users/{name}", {"password": password, "tags": tags})
        self._permit(_vhost(vhost_url), name, configure, write, read)
        try:
            yield _with_user(vhost_url, name, password)
        finally:
            if self.running:
                self.start()
                self.management("DELETE", f"/api/users/{name}")

    def queue(self, vhost_url: str, name: str) -> QueueInfo:
        """What is known of a queue. Raises amqp.NotFound if there is none."""
        with self.connection(vhost_url) as connection:
            declared = connection.channel().queue_declare(name, passive=True)
        info = next(queue for queue in self._queues(vhost_url) if queue["name"] == name)
        return QueueInfo(
            name=name,
            type=info["arguments"].get("x-queue-type", "classic"),
            arguments=info["arguments"],
            ready=declared.message_count,
            consumers=declared.consumer_count,
            unacknowledged=info.get("messages_unacknowledged", 0),
        )

    def ready(self, vhost_url: str, names: Iterable[str]) -> Mapping[str, int]:
        """How many messages wait in each of these queues. Raises amqp.NotFound if one is not there."""
        with self.connection(vhost_url) as connection:
            channel = connection.channel()
            return {name: channel.queue_declare(name, passive=True).message_count for name in names}

    def queues(self, vhost_url: str) -> list[str]:
        """The names of all queues of a vhost."""
        return sorted(queue["name"] for queue in self._queues(vhost_url))

    def management(self, method: str, path: str, body: Any = None) -> Any:
        """Call the management API. Raises HttpError."""
        url = urlsplit(self.url)
        return call(method, self.management_url + path, body, user=(self._user, unquote(url.password or "")))

    @property
    def _user(self) -> str:
        return unquote(urlsplit(self.url).username or "guest")

    def _queues(self, vhost_url: str) -> list[dict[str, Any]]:
        """With totals in place of statistics: those are five seconds late."""
        query = "disable_stats=true&enable_queue_totals=true"
        queues: list[dict[str, Any]] = self.management(
            "GET", f"/api/queues/{quote(_vhost(vhost_url), safe='')}?{query}"
        )
        return queues

    def _permit(self, vhost: str, user: str, configure: str, write: str, read: str) -> None:
        path = f"/api/permissions/{quote(vhost, safe='')}/{quote(user, safe='')}"
        self.management("PUT", path, {"configure": configure, "write": write, "read": read})

    def _url_of(self, vhost: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{quote(vhost, safe='')}"))

    @contextmanager
    def connection(self, vhost_url: str) -> Iterator[amqp.Connection]:
        """A plain AMQP connection."""
        url = urlsplit(vhost_url)
        connection = amqp.Connection(
            host=f"{url.hostname}:{url.port or PORT}",
            userid=unquote(url.username or "guest"),
            password=unquote(url.password or "guest"),
            virtual_host=_vhost(vhost_url),
            ssl=url.scheme == "amqps",
            connect_timeout=5,
            read_timeout=10,
            write_timeout=10,
        )
        try:
            connection.connect()
            yield connection
        finally:
            connection.collect()


def rabbitmq(environment: Mapping[str, str] = os.environ) -> RabbitmqServer:
    """A RabbitMQ server, not started yet. Raises Unavailable."""
    return first_of(RabbitmqServer.name, (lambda: _foreign(environment), _in_docker, _native), HOW)


def _foreign(environment: Mapping[str, str]) -> RabbitmqServer | None:
    dsn = from_environment(environment.get("RABBITMQ_DSN"), ("amqp", "amqps"))
    if dsn is None:
        return None
    url = urlsplit(dsn)
    return RabbitmqServer(
        url=urlunsplit(
            url._replace(path="", query="", netloc=url.netloc if url.username else f"guest:guest@{url.netloc}")
        ),
        origin=Origin.ENVIRONMENT,
        runner=Foreign(),
        management_url=environment.get(MANAGEMENT_SETTING, f"http://{url.hostname}:{MANAGEMENT_PORT}").rstrip("/"),
        prometheus_url=None,
    )


def _in_docker() -> RabbitmqServer | None:
    if not docker_answers():
        return None
    ports = {PORT: free_port(), MANAGEMENT_PORT: free_port(), PROMETHEUS_PORT: free_port()}
    password = secrets.token_hex(8)
    variables = {
        "RABBITMQ_DEFAULT_USER": USER,
        "RABBITMQ_DEFAULT_PASS": password,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": rabbitmq_node.FRESH_TOTALS,
    }
    container = Container(image=IMAGE, ports=ports, environment=variables)
    return _ours(Origin.DOCKER, container, password, tuple(ports.values()))


def _native() -> RabbitmqServer | None:
    script = rabbitmq_node.script()
    if script is None:
        return None
    ports, password = (free_port(), free_port(), free_port()), secrets.token_hex(8)
    return _ours(Origin.NATIVE, rabbitmq_node.node(script, ports, USER, password), password, ports)


def _ours(origin: Origin, runner: Any, password: str, ports: tuple[int, ...]) -> RabbitmqServer:
    port, management, prometheus = ports
    return RabbitmqServer(
        url=f"amqp://{USER}:{password}@{LOOPBACK}:{port}",
        origin=origin,
        runner=runner,
        management_url=f"http://{LOOPBACK}:{management}",
        prometheus_url=f"http://{LOOPBACK}:{prometheus}/metrics",
    )


def _vhost(url: str) -> str:
    return unquote(urlsplit(url).path.removeprefix("/")) or "/"


def _with_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))
