"""Penchant's parts on one vhost of a real RabbitMQ, and other programs beside them."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
import pytest
from attrs import define, field

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.dead_letter_queue import KombuDeadLetterQueue
from adapters.rabbitmq.examination import KombuExamination
from adapters.rabbitmq.installation import KombuInstallation
from adapters.rabbitmq.message_source import KombuMessageSource
from adapters.rabbitmq.publisher import KombuPublisher
from adapters.rabbitmq.topology import WORK, Topology
from adapters.system.system import SystemClock
from application.ports.dead_letters import DeadLetter
from application.ports.message_source import Arrival, Delivery
from application.retry_policy import RetryPolicy
from domain.errors import UnavailableError
from tests.services import RabbitmqServer, wait_until
from tests.services.containers import Container
from tests.services.rabbitmq_node import Node

DEADLINE_SECONDS = 60
QUICK = RetryPolicy.doubling(max_retries=2, delay_ms=100)

ONE_DELAY = RetryPolicy.doubling(max_retries=1, delay_ms=2_000)
"""For tests that restart the broker: RabbitMQ 3.10 gives up moving dead letters at least once, for all queues and
until its next start, when two queues that do so are deleted before they have settled after a start
(rabbitmq-server#16652).
Of one queue a test can see that it works again."""

VIEW: Mapping[str, Any] = {
    "message_id": "m1",
    "user_id": "ann",
    "event_type": "view",
    "product_id": "tea",
    "occurred_at": "2026-03-01T12:00:00Z",
}
"""An event as another program sends it."""


@define(kw_only=True)
class RabbitmqParts:
    """What a worker and a relay have of the broker."""

    url: str
    topology: Topology = field(factory=lambda: Topology(retry=QUICK))
    heartbeat_seconds: float = 60.0
    timeout_seconds: float = 10.0
    _open: list[Any] = field(factory=list, init=False)

    @property
    def broker(self) -> Broker:
        return Broker(url=self.url, heartbeat_seconds=self.heartbeat_seconds, timeout_seconds=self.timeout_seconds)

    def install(self) -> Sequence[str]:
        return KombuInstallation(self.broker, self.topology).install()

    def examination(self) -> KombuExamination:
        return KombuExamination(self.broker, self.topology)

    def publisher(self) -> KombuPublisher:
        return self._opened(KombuPublisher(self.broker, self.topology))

    def source(self, **options: Any) -> KombuMessageSource:
        return self._opened(KombuMessageSource(self.broker, self.topology, SystemClock(), **options))

    def failed(self) -> KombuDeadLetterQueue:
        return self._opened(KombuDeadLetterQueue(self.broker, self.topology, SystemClock(), patience_seconds=0.1))

    def dead(self, count: int) -> list[DeadLetter]:
        """Wait for that many dead letters, and take them out."""
        queue, found = self.failed(), []

        def enough() -> bool:
            deliveries = queue.receive(count - len(found))
            found.extend(delivery.letter for delivery in deliveries)
            queue.forget([delivery.tag for delivery in deliveries])
            return len(found) == count

        wait_until(enough, DEADLINE_SECONDS, f"{count} dead letters")
        return found

    def close(self) -> None:
        for part in self._open:
            part.close()

    def _opened(self, part: Any) -> Any:
        self._open.append(part)
        return part


@pytest.fixture(name="parts")
def parts_fixture(rabbitmq_url: str) -> Iterator[RabbitmqParts]:
    """The parts on a fresh vhost, with all exchanges and queues."""
    parts = RabbitmqParts(url=rabbitmq_url)
    parts.install()
    yield parts
    parts.close()


def patiently(call: Callable[[], Any]) -> Callable[[], Any]:
    """The same call, which is false while the broker is away."""

    def attempt() -> Any:
        try:
            return call()
        except UnavailableError:
            return None

    return attempt


def receive(source: KombuMessageSource, count: int) -> list[Delivery | Arrival]:
    """Wait for that many deliveries, however often the broker goes away meanwhile."""
    found: dict[int, Delivery | Arrival] = {}

    def enough() -> bool:
        deliveries = patiently(lambda: source.receive(count - len(found), wait_seconds=0.1))()
        found.update((delivery.tag, delivery) for delivery in deliveries or ())
        return len(found) >= count

    wait_until(enough, DEADLINE_SECONDS, f"{count} deliveries")
    return list(found.values())


@contextmanager
def other_program(url: str) -> Iterator[amqp.Channel]:
    """A channel as any other program has it, with confirms."""
    parts = urlsplit(url)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        virtual_host=unquote(parts.path.removeprefix("/")),
        confirm_publish=True,
        connect_timeout=10,
        read_timeout=30,
    )
    with connection:
        yield connection.channel()


def send(url: str, body: bytes, *, exchange: str = WORK, routing_key: str = WORK, **properties: Any) -> None:
    """Publish a message as another program would."""
    with other_program(url) as channel:
        channel.basic_publish(amqp.Message(body, **properties), exchange=exchange, routing_key=routing_key)


def connections(server: RabbitmqServer, url: str, count: int) -> list[Mapping[str, Any]]:
    """The connections to a vhost, once the management API knows all of them: it is some seconds late."""
    vhost = unquote(urlsplit(url).path.removeprefix("/"))

    def all_are_known() -> list[Mapping[str, Any]]:
        known = [known for known in server.management("GET", "/api/connections") if known.get("vhost") == vhost]
        return known if len(known) == count else []

    return wait_until(all_are_known, DEADLINE_SECONDS, f"{count} connections to be known")


def end_connections(server: RabbitmqServer, url: str, count: int) -> None:
    """Have the broker end all connections to a vhost, of which there are so many."""
    for connection in connections(server, url, count):
        server.management("DELETE", f"/api/connections/{connection['name'].replace(' ', '%20').replace('>', '%3E')}")


def rabbitmqctl(server: RabbitmqServer, *arguments: str) -> None:
    """Run RabbitMQ's own tool on a server of ours."""
    runner = server.runner
    if isinstance(runner, Node):
        tool = Path(runner.broker.command[0]).with_name("rabbitmqctl")
        environment = {**os.environ, **runner.broker.environment}
        subprocess.run([tool, *arguments], env=environment, check=True, capture_output=True, timeout=60)
    elif isinstance(runner, Container):
        runner._container.exec_run(["rabbitmqctl", *arguments])
    else:
        pytest.skip("a RabbitMQ of the environment is not ours to put under an alarm")
