"""Declaring what there must be on the broker."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from amqp.exceptions import NotFound, PreconditionFailed
from attrs import evolve

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.topology import Binding, Exchange, Queue, Topology


class KombuInstallation:
    """Makes exchanges, queues and bindings. Bindings are made again each time: AMQP does not say which there are."""

    def __init__(self, broker: Broker, topology: Topology) -> None:
        self._broker = broker
        self._topology = topology
        self._connection: BrokerConnection[Any] = BrokerConnection(broker, lambda connection: connection)

    def install(self) -> Sequence[str]:
        if not self._broker.transport.keeps_topology:
            return []  # each connection declares for itself
        try:
            with self._connection.session() as connection:
                made = [
                    sentence
                    for part in parts_of(self._broker, self._topology)
                    if (sentence := _declared(connection, part)) is not None
                ]
                channel = connection.channel()
                for binding in bindings_of(self._broker, self._topology):
                    bind(channel, binding)
                return made
        finally:
            self._connection.close()


def parts_of(broker: Broker, topology: Topology) -> Sequence[Exchange | Queue]:
    """The exchanges and queues that this broker needs, in the order in which they can be made."""
    delays = topology.delay_queues() if broker.transport.is_amqp else ()
    return (*topology.exchanges(broker.transport.fan_out), *topology.queues(), *delays)


def bindings_of(broker: Broker, topology: Topology) -> Sequence[Binding]:
    """The bindings that this broker needs."""
    return (*topology.bindings(), *(topology.delay_bindings() if broker.transport.is_amqp else ()))


def declare(channel: Any, part: Exchange | Queue, *, passive: bool = False) -> Any:
    """Declare an exchange or a queue as it must be; `passive`: only ask whether there is one of that name."""
    if isinstance(part, Exchange):
        return channel.exchange_declare(part.name, part.type, durable=True, auto_delete=False, passive=passive)
    return channel.queue_declare(
        part.name, durable=True, auto_delete=False, passive=passive, arguments=dict(part.arguments)
    )


def ensure(connection: Any, part: Exchange | Queue) -> None:
    """Make an exchange or a queue unless it is there and serves. Raises what the driver does if it differs."""
    try:
        attempt(connection, lambda channel: declare(channel, part))
    except PreconditionFailed:
        if not (isinstance(part, Queue) and any(_is_there(connection, other) for other in _as_accepted(part))):
            raise


def bind(channel: Any, binding: Binding) -> None:
    """Make a binding."""
    channel.queue_bind(binding.queue, binding.exchange, binding.routing_key)


def declare_for(broker: Broker, topology: Topology, channel: Any) -> None:
    """Declare everything where the transport forgets it with the connection."""
    if broker.transport.keeps_topology:
        return
    for part in parts_of(broker, topology):
        declare(channel, part)
    for binding in bindings_of(broker, topology):
        bind(channel, binding)


def require_delays(broker: Broker, delay_queues: Sequence[Queue], connection: Any) -> None:
    """Raise what the driver does where one of these is missing, so that it shows before the first retry."""
    for queue in delay_queues if broker.transport.is_amqp else ():
        attempt(connection, partial(declare, part=queue, passive=True))


def attempt(connection: Any, action: Callable[[Any], Any]) -> Any:
    """Do something on a channel that is closed afterwards, as a broker does itself when it refuses something."""
    channel = connection.channel()
    try:
        return action(channel)
    finally:
        channel.close()


def _declared(connection: Any, part: Exchange | Queue) -> str | None:
    try:
        attempt(connection, lambda channel: declare(channel, part, passive=True))
        there = True
    except NotFound:
        there = False
    ensure(connection, part)
    if there:
        return None
    if isinstance(part, Exchange):
        return f"Made the {part.type} exchange {part.name!r}."
    return f"Made the {part.arguments.get('x-queue-type', 'classic')} queue {part.name!r}."


def _is_there(connection: Any, queue: Queue) -> bool:
    try:
        attempt(connection, lambda channel: declare(channel, queue))
    except PreconditionFailed:
        return False
    return True


def _as_accepted(queue: Queue) -> Sequence[Queue]:
    return [evolve(queue, arguments=arguments) for arguments in queue.accepted]
