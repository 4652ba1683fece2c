"""What `penchant doctor` says about the broker."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.failures import reason_of, translated
from adapters.rabbitmq.installation import attempt, declare, ensure, parts_of
from adapters.rabbitmq.outlet import Outgoing, Outlet
from adapters.rabbitmq.topology import FAILED, Exchange, Queue, QueueType, Topology
from application.ports.examinable import Finding, Health
from domain.errors import ConfigurationError, PenchantError

OLDEST_VERSION = (3, 10)
"""The first with quorum queues that have a time to live and dead-letter at least once."""
LIMITS_DELIVERIES = (4, 0)
DEFAULT_DELIVERY_LIMIT = 20
SLOW_MS = 20.0
PROBES = 5
SETUP = "Run `penchant setup`."


class KombuExamination:
    """One look at the broker, over AMQP alone. What it publishes to see whether it may goes to no queue."""

    def __init__(self, broker: Broker, topology: Topology) -> None:
        self._broker = broker
        self._topology = topology

    @property
    def _consumed(self) -> Sequence[str]:
        return [queue for subscription in self._topology.subscriptions for queue in subscription.consumed]

    def examine(self) -> Sequence[Finding]:
        connection: BrokerConnection[Any] = BrokerConnection(self._broker, lambda opened: opened)
        found: list[Finding] = []
        try:
            with connection.session() as opened:
                found.append(self._ok("connection", f"It answers: {self._broker.where}."))
                found.append(self._latency(opened))
                if self._broker.transport.is_amqp:
                    found += self._server(opened)
                found += self._parts(opened)
        except PenchantError as error:
            found.append(self._failed("connection", str(error)))
            return found
        finally:
            connection.close()
        if self._broker.transport.is_amqp:
            found.append(self._publishing())
        return found

    def _latency(self, connection: Any) -> Finding:
        channel, times_ms = connection.channel(), []
        for _ in range(PROBES):
            start = perf_counter()
            channel.queue_declare(FAILED) if not self._broker.transport.is_amqp else channel.basic_qos(0, 1, False)
            times_ms.append(1_000 * (perf_counter() - start))
        channel.close()
        text = f"A round trip takes {median(times_ms):.1f} ms (the median of {PROBES})."
        if median(times_ms) < SLOW_MS:
            return self._ok("latency", text)
        return self._warning("latency", text, "Look at the network between here and the broker, and at its load.")

    def _server(self, connection: Any) -> Iterator[Finding]:
        version = str(connection.connection.server_properties.get("version", "unknown"))
        number = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if number and number < OLDEST_VERSION:
            remedy = "Update it to 3.10 or newer: retries need quorum queues with a time to live."
            yield self._failed("version", f"It is RabbitMQ {version}.", remedy)
        else:
            yield self._ok("version", f"It is RabbitMQ {version}.")
        yield self._delivery_limit(number)

    def _delivery_limit(self, version: tuple[int, ...]) -> Finding:
        if self._topology.queue_type is QueueType.CLASSIC:
            text = "None: classic queues have no such limit. A message that workers die over comes again for ever."
            return self._ok("delivery limit", text)
        meaning = "A message that workers died over more often than that goes to `failed`, as DeliveryLimitReached."
        if version >= LIMITS_DELIVERIES:
            return self._ok(
                "delivery limit",
                f"{DEFAULT_DELIVERY_LIMIT} deliveries, unless a policy says otherwise. {meaning} It is in the log, and"
                " `penchant failed retry` sends it again.",
            )
        return self._ok("delivery limit", f"None, unless a policy sets one (delivery-limit). {meaning}")

    def _parts(self, connection: Any) -> Iterator[Finding]:
        parts = parts_of(self._broker, self._topology)
        wrong = [finding for part in parts if (finding := self._difference(connection, part)) is not None]
        yield from wrong
        if not wrong:
            yield self._ok("topology", f"All {len(parts)} exchanges and queues are there as they must be.")
        for name in (*self._consumed, *self._topology.graveyards):
            yield from self._depth(connection, name)

    def _difference(self, connection: Any, part: Exchange | Queue) -> Finding | None:
        subject = f"{'exchange' if isinstance(part, Exchange) else 'queue'} {part.name}"
        try:
            if self._broker.transport.keeps_topology:
                attempt(connection, lambda channel: declare(channel, part, passive=True))
            ensure(connection, part)  # which changes nothing that is there
        except NotFound:
            return self._failed(subject, "It is missing.", SETUP)
        except PreconditionFailed as error:
            return self._failed(subject, str(translated(error, self._broker.where)))
        except AccessRefused as error:
            text = f"It is there, but whether it is as it must be cannot be told: {reason_of(error)}."
            return self._warning(subject, text, "Let a user who may configure it run `penchant setup` and `doctor`.")
        return None

    def _depth(self, connection: Any, name: str) -> Iterator[Finding]:
        keeps = self._broker.transport.keeps_topology
        ask: Callable[[Any], Any] = lambda channel: channel.queue_declare(name, passive=keeps)  # noqa: E731
        try:
            declared = attempt(connection, ask)
        except NotFound:
            return  # said before
        text = f"{declared.message_count} messages are ready, and {declared.consumer_count} consumers take them."
        if not keeps:
            yield self._ok(f"depth of {name}", f"{declared.message_count} messages are ready.")
        elif not declared.consumer_count and (declared.message_count or name in self._consumed):
            yield self._warning(f"depth of {name}", f"{text} No worker runs.", "Start a worker: penchant worker.")
        else:
            yield self._ok(f"depth of {name}", text)

    def _publishing(self) -> Finding:
        outlet = Outlet(self._broker, self._topology)
        probe = Outgoing(exchange=self._topology.work.retry_exchange, routing_key="doctor", body=b"", headers={})
        try:
            outlet.send([probe], mandatory=False)
        except ConfigurationError as error:
            return self._failed("publishing", str(error))
        except PenchantError as error:
            return self._failed(
                "publishing", str(error), "Nothing that is accepted is lost meanwhile: the outbox grows."
            )
        finally:
            outlet.close()
        return self._ok("publishing", "It takes messages and confirms them; no alarm of memory or disk is on.")

    def _ok(self, subject: str, text: str) -> Finding:
        return self._finding(subject, Health.OK, text, "")

    def _warning(self, subject: str, text: str, remedy: str) -> Finding:
        return self._finding(subject, Health.WARNING, text, remedy)

    def _failed(self, subject: str, text: str, remedy: str = "") -> Finding:
        return self._finding(subject, Health.FAILED, text, remedy)

    def _finding(self, subject: str, health: Health, text: str, remedy: str) -> Finding:
        return Finding(part=self._broker.transport.name, subject=subject, health=health, text=text, remedy=remedy)
