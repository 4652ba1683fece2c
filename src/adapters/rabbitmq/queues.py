"""How much the queues hold, and who listens."""

from collections.abc import Mapping
from typing import Any

from amqp.exceptions import NotFound

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.installation import attempt, declare, parts_of
from adapters.rabbitmq.topology import Queue, Topology
from application.ports.queues import WORK_QUEUE, QueueState
from domain.errors import NotSetUpError


class KombuQueues:
    """Asks the broker over AMQP, so that no other port of it need be open. It may be shared by threads."""

    def __init__(self, broker: Broker, topology: Topology) -> None:
        self._broker = broker
        self._topology = topology
        self._connection: BrokerConnection[Any] = BrokerConnection(broker, lambda connection: connection)

    def states(self) -> Mapping[str, QueueState]:
        states = {}
        with self._connection.session() as connection:
            for part in parts_of(self._broker, self._topology):
                if isinstance(part, Queue) and (state := self._state(connection, part)) is not None:
                    states[part.name] = state
        if WORK_QUEUE not in states:
            where = self._broker.where
            raise NotSetUpError(
                f"{where} has no queue {WORK_QUEUE!r}: events wait in the outbox. Run `penchant setup`."
            )
        return states

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def _state(self, connection: Any, queue: Queue) -> QueueState | None:
        """What the broker says of a queue; None where there is none of that name."""
        transport = self._broker.transport
        try:  # a transport that forgets its queues has them made by the question: on Redis an empty one is none
            answer = attempt(connection, lambda channel: declare(channel, queue, passive=transport.keeps_topology))
        except NotFound:
            return None
        return QueueState(messages=answer.message_count, consumers=answer.consumer_count if transport.is_amqp else None)
