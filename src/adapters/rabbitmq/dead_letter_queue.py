"""The queues of the dead, as the collector empties them."""

from collections.abc import Collection, Sequence
from functools import partial
from itertools import count
from typing import Any

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.burial import merely_dropped, read_letter
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.installation import declare_for
from adapters.rabbitmq.intake import Line
from adapters.rabbitmq.topology import DEAD_EVENTS_QUEUE, Topology
from adapters.rabbitmq.transport import Received
from application.ports.dead_letter_queue import DeadDelivery
from application.ports.system import Clock

PREFETCH = 16
"""Few, because dead letters may be large."""

MAX_BUFFER_BYTES = 16 * 1024 * 1024
"""Once bodies of this size have arrived, what is there is handed out before more is read."""


class KombuDeadLetterQueue:
    """Consumes dead letters; they are never fetched and put back, which quorum queues count as a delivery.

    What the queue of another consumer has only dropped, because it was full or too old, is no dead letter: it is
    forgotten here, and comes to its consumer from the log.

    Parameters
    ----------
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
        patience_seconds: float = 0.5,
        max_bytes: int = 1024 * 1024,
    ) -> None:
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._max_bytes = max_bytes
        self._empty_after_seconds = broker.transport.empty_after_seconds
        self._connection = BrokerConnection(broker, partial(_Open, broker=broker, topology=topology))
        self._tags = count(1)

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        with self._connection.session() as opened:
            while True:
                came = self._read(opened, limit)
                deliveries = [
                    self._handed_out(opened, line, received)
                    for line, received in opened.take(limit)
                    if not _is_dropped(line, received)
                ]
                if deliveries or not came:
                    return deliveries

    def forget(self, tags: Collection[int]) -> None:
        with self._connection.session() as opened:
            for line in opened.lines:
                known = [tag for tag in tags if tag in opened.handed_out and opened.handed_out[tag][0] is line]
                line.acknowledge([opened.handed_out.pop(tag)[1] for tag in known])

    def close(self) -> None:
        self._connection.close(lambda opened: opened.close())

    def _read(self, opened: "_Open", limit: int) -> bool:
        """Wait for the first one, then read what else is there already; whether there is any."""
        end = self._clock.monotonic() + (self._patience_seconds if opened.may_hold_more else 0.0)
        while not opened.arrived:
            left = end - self._clock.monotonic()
            if not self._connection.drain(max(left, self._empty_after_seconds)) and left <= 0:
                break
        while 0 < opened.arrived < limit and opened.bytes < MAX_BUFFER_BYTES:
            if not self._connection.drain(self._empty_after_seconds):
                break
        opened.may_hold_more = opened.arrived > 0
        return opened.may_hold_more

    def _handed_out(self, opened: "_Open", line: Line, received: Received) -> DeadDelivery:
        tag = next(self._tags)
        opened.handed_out[tag] = (line, received.tag)
        letter = read_letter(received, line.queue, self._clock.now(), self._max_bytes)
        return DeadDelivery(letter=letter, tag=tag)


class _Open:
    """The queues on one connection."""

    def __init__(self, connection: Any, broker: Broker, topology: Topology) -> None:
        channel = connection.channel()
        declare_for(broker, topology, channel)
        channel.close()
        self.lines = [Line(connection, broker, queue, PREFETCH) for queue in topology.graveyards]
        self.may_hold_more = True
        """Whether the broker may have some that are on their way here: not once it had none, for it sends them as they
        come."""
        self.handed_out: dict[int, tuple[Line, Any]] = {}
        """The broker's tags, each with the line it is good on, by ours."""

    @property
    def arrived(self) -> int:
        """How many have arrived and are not handed out."""
        return sum(len(line.arrived) for line in self.lines)

    @property
    def bytes(self) -> int:
        """How much memory their bodies take."""
        return sum(line.bytes for line in self.lines)

    def take(self, limit: int) -> list[tuple[Line, Received]]:
        """Up to `limit` of those that have arrived."""
        taken: list[tuple[Line, Received]] = []
        for line in self.lines:
            while line.arrived and len(taken) < limit:
                taken.append((line, line.pop()))
        return taken

    def close(self) -> None:
        """Give everything back."""
        for line in self.lines:
            line.close()


def _is_dropped(line: Line, received: Received) -> bool:
    """Whether it was only dropped, which is acknowledged at once."""
    if line.queue != DEAD_EVENTS_QUEUE or not merely_dropped(received):
        return False
    line.acknowledge([received.tag])
    return True
