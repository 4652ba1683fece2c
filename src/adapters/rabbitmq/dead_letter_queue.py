"""The queue `failed`, and others like it, as the collector empties them."""

from collections.abc import Collection, Sequence
from functools import partial
from itertools import count
from typing import Any

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.burial import read_letter
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.installation import declare_for
from adapters.rabbitmq.intake import Line
from adapters.rabbitmq.topology import FAILED, Topology
from application.ports.dead_letter_queue import DeadDelivery
from application.ports.system import Clock

PREFETCH = 16
"""Few, because dead letters may be large."""

MAX_BUFFER_BYTES = 16 * 1024 * 1024
"""Once bodies of this size have arrived, what is there is handed out before more is read."""


class KombuDeadLetterQueue:
    """Consumes dead letters; they are never fetched and put back, which quorum queues count as a delivery.

    Parameters
    ----------
    queue : which.
    patience_seconds : how long to wait for the first one, and for more after some, before there are none: a broker does
        not say when it has handed over all that it has.
    max_bytes : the body of a larger one is not searched for the ids of message and user.
    """

    def __init__(
        self,
        broker: Broker,
        topology: Topology,
        clock: Clock,
        *,
        queue: str = FAILED,
        patience_seconds: float = 0.5,
        max_bytes: int = 1024 * 1024,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._max_bytes = max_bytes
        self._empty_after_seconds = broker.transport.empty_after_seconds
        self._connection = BrokerConnection(broker, partial(_Open, broker=broker, topology=topology, queue=queue))
        self._tags = count(1)

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        with self._connection.session() as open_queue:
            line = open_queue.line
            end = self._clock.monotonic() + (self._patience_seconds if open_queue.may_hold_more else 0.0)
            while not line.arrived:
                left = end - self._clock.monotonic()
                if not self._connection.drain(max(left, self._empty_after_seconds)) and left <= 0:
                    break
            while line.arrived and len(line.arrived) < limit and line.bytes < MAX_BUFFER_BYTES:
                if not self._connection.drain(self._empty_after_seconds):
                    break
            open_queue.may_hold_more = bool(line.arrived)
            return [self._handed_out(open_queue) for _ in range(min(limit, len(line.arrived)))]

    def forget(self, tags: Collection[int]) -> None:
        with self._connection.session() as open_queue:
            known = [open_queue.handed_out.pop(tag) for tag in tags if tag in open_queue.handed_out]
            open_queue.line.acknowledge(known)

    def close(self) -> None:
        self._connection.close(lambda open_queue: open_queue.line.close())

    def _handed_out(self, open_queue: "_Open") -> DeadDelivery:
        received, tag = open_queue.line.pop(), next(self._tags)
        open_queue.handed_out[tag] = received.tag
        letter = read_letter(received, self._queue, self._clock.now(), self._max_bytes)
        return DeadDelivery(letter=letter, tag=tag)


class _Open:
    """The queue on one connection."""

    def __init__(self, connection: Any, broker: Broker, topology: Topology, queue: str) -> None:
        channel = connection.channel()
        declare_for(broker, topology, channel)
        channel.close()
        self.line = Line(connection, broker, queue, PREFETCH)
        self.may_hold_more = True
        """Whether the broker may have some that are on their way here: not once it had none, for it sends them as they
        come."""
        self.handed_out: dict[int, Any] = {}
        """The broker's tags by ours."""
