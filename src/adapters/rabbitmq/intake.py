"""What one connection has delivered: waiting to be handed out, handed out, or held until it is due."""

import heapq
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from attrs import field, frozen

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.installation import declare_for, require_delays
from adapters.rabbitmq.topology import Subscription, Topology
from adapters.rabbitmq.transport import Received
from adapters.rabbitmq.unsettled import Unsettled


class Line:
    """One queue, consumed on a channel of its own: tags count by channel, and many are acknowledged by one of them."""

    def __init__(self, connection: Any, broker: Broker, queue: str, prefetch: int) -> None:
        self.queue = queue
        self.arrived: deque[Received] = deque()
        self.bytes = 0
        """Size of the bodies that have arrived and are not handed out."""
        self._is_amqp = broker.transport.is_amqp
        self._received = broker.transport.received
        self._prefetch = prefetch
        self._held = 0
        self._unsettled = Unsettled()
        self._channel = connection.channel()
        self._channel.auto_decode = False
        self._channel.basic_qos(0, prefetch, False)
        self._channel.basic_consume(queue=queue, no_ack=False, callback=self._take, consumer_tag=f"penchant.{queue}")

    def pop(self) -> Received:
        """The oldest message that has arrived."""
        received = self.arrived.popleft()
        self.bytes -= len(received.body)
        return received

    def acknowledge(self, tags: Collection[Any]) -> None:
        """Let the broker forget these."""
        self._unsettled.acknowledge(self._channel, tags, many_at_once=self._is_amqp)

    def hold(self, more: int) -> None:
        """Count that many more (or fewer) among those that are kept back, so that others come in their place."""
        self._held += more
        self._channel.basic_qos(0, self._prefetch + self._held, False)

    def close(self) -> None:
        """Give everything back that is not acknowledged."""
        self._channel.basic_cancel(f"penchant.{self.queue}")
        if not self._is_amqp:
            for tag in self._unsettled:
                self._channel.basic_reject(tag, requeue=True)
        # RabbitMQ gives back what a closed channel held; a rejection each would be slower and count the same.
        self._channel.close()

    def _take(self, raw: Any) -> None:
        received = self._received(raw)
        self._unsettled.add(received.tag)
        self.arrived.append(received)
        self.bytes += len(received.body)


@frozen(kw_only=True)
class Message:
    """A message that has been taken from its line."""

    line: Line = field(eq=False)
    received: Received
    attempts: int | None = None
    """How often it failed, where it was held here; None: as its headers say."""
    first_failed_at: datetime | None = None


class Intake:
    """All lines of a connection. Whatever is in here comes again by itself when the connection is lost."""

    def __init__(
        self, connection: Any, broker: Broker, topology: Topology, subscription: Subscription, prefetch: int
    ) -> None:
        channel = connection.channel()
        declare_for(broker, topology, channel)
        channel.close()
        require_delays(broker, topology.delay_queues_of(subscription), connection)
        self.lines = [Line(connection, broker, queue, prefetch) for queue in subscription.consumed]
        self.handed_out: dict[int, Message] = {}
        """By the tags of the source."""
        self.unreadable: list[tuple[Message, Exception]] = []
        """What is to be buried."""
        self._held: list[tuple[float, int, Message]] = []
        self._count = count()

    @property
    def arrived(self) -> int:
        """How many messages have arrived and are not handed out."""
        return sum(len(line.arrived) for line in self.lines)

    @property
    def bytes(self) -> int:
        """How much memory their bodies and those of unreadable messages take."""
        return sum(line.bytes for line in self.lines) + sum(len(m.received.body) for m, _ in self.unreadable)

    def take(self, limit: int, now: float) -> Iterator[Message]:
        """Up to `limit` messages: what was held and is due first, then line by line."""
        for _ in range(limit):
            if self._held and self._held[0][0] <= now:
                _, _, message = heapq.heappop(self._held)
                message.line.hold(-1)
                yield message
                continue
            line = next((line for line in self.lines if line.arrived), None)
            if line is None:
                return
            yield Message(line=line, received=line.pop())

    def hold(self, message: Message, until: float) -> None:
        """Keep a message back until then, on the clock that `take` is called with."""
        heapq.heappush(self._held, (until, next(self._count), message))
        message.line.hold(+1)

    def next_due(self) -> float | None:
        """When the next one that is held becomes due."""
        return self._held[0][0] if self._held else None

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the broker forget these."""
        for line in self.lines:
            line.acknowledge([message.received.tag for message in messages if message.line is line])

    def close(self) -> None:
        """Give everything back."""
        for line in self.lines:
            line.close()
