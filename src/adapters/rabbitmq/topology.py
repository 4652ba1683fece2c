"""What there is on the broker: names that other systems use, and how they hang together."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from application.ports.message_source import Capability
from application.retry_policy import RetryPolicy

WORK = "user_embedding_updates"
"""The work queue, and the exchange for messages of others."""
EVENTS = "events"
RETRY = "user_embedding_updates.retry"
PURCHASES = "user_embedding_updates.purchases"
FAILED = "failed"
ROUTING_KEY = "user.event"

OURS = frozenset({EVENTS, RETRY, PURCHASES})
"""The exchanges to which only Penchant may publish: positions count only in what came through one of them."""


class QueueType(StrEnum):
    """How the broker keeps a queue."""

    QUORUM = "quorum"
    CLASSIC = "classic"


@frozen(kw_only=True)
class Exchange:
    """A durable exchange."""

    name: str
    type: str


@frozen(kw_only=True)
class Queue:
    """A durable queue."""

    name: str
    arguments: Mapping[str, Any]
    accepted: Sequence[Mapping[str, Any]] = ()
    """Other arguments with which it serves as well, if it is there already."""


@frozen(kw_only=True)
class Binding:
    """What an exchange gives to a queue."""

    exchange: str
    queue: str
    routing_key: str


@frozen(kw_only=True)
class Topology:
    """All exchanges, queues and bindings."""

    queue_type: QueueType = field(default=QueueType.QUORUM, converter=QueueType)
    retry: RetryPolicy = field(factory=RetryPolicy)
    purchases_first: bool = False
    """Whether purchases are published to a queue of their own besides, which is emptied first."""

    @property
    def consumed(self) -> Sequence[str]:
        """The queues that a worker takes from, the most urgent first."""
        return (PURCHASES, WORK) if self.purchases_first else (WORK,)

    @property
    def lacking(self) -> frozenset[Capability]:
        """What this type of queue does not promise, whatever the transport does."""
        # A classic queue hands over what has waited long enough without a confirm, so what the work queue does not take
        # just then is lost (https://www.rabbitmq.com/blog/2022/03/29/at-least-once-dead-lettering).
        is_quorum = self.queue_type is QueueType.QUORUM
        return frozenset() if is_quorum else frozenset({Capability.RETRIED_SAFELY})

    @property
    def delays_ms(self) -> Sequence[int]:
        """The delays that retries can have, shortest first; one at least."""
        attempts = range(max(self.retry.max_retries, 1))
        return tuple(round(self.retry.delay_after(attempt).total_seconds() * 1_000) for attempt in attempts)

    def exchanges(self, fan_out: str) -> Sequence[Exchange]:
        """All exchanges, where `fan_out` is the type of those that give each queue a copy."""
        direct = (WORK, RETRY, PURCHASES) if self.purchases_first else (WORK, RETRY)
        return (
            *(Exchange(name=name, type=fan_out) for name in (FAILED, EVENTS)),
            *(Exchange(name=name, type="direct") for name in direct),
        )

    def queues(self) -> Sequence[Queue]:
        """The queues of every transport."""
        dead_lettered = {"x-dead-letter-exchange": FAILED}
        # Plain classic queues are what programs declare that know nothing of ours; only what the broker itself gives
        # up, by a policy say, is not among the dead letters then.
        is_quorum = self.queue_type is QueueType.QUORUM
        arguments, accepted = (self._of_type(dead_lettered), ()) if is_quorum else ({}, (dead_lettered,))
        return (
            Queue(name=FAILED, arguments=self._of_type({})),
            *(Queue(name=name, arguments=arguments, accepted=accepted) for name in reversed(self.consumed)),
        )

    def delay_queues(self) -> Sequence[Queue]:
        """The queues in which retries wait, where the transport has queues with a time to live."""
        return tuple(Queue(name=delay_queue(delay), arguments=self._delaying(delay)) for delay in self.delays_ms)

    def bindings(self) -> Sequence[Binding]:
        """The bindings of every transport."""
        bound = [
            (FAILED, FAILED, FAILED),
            (EVENTS, WORK, ROUTING_KEY),
            (WORK, WORK, WORK),
            (WORK, WORK, ""),  # Symfony sends an empty routing key unless told otherwise
        ]
        if self.purchases_first:
            bound.append((PURCHASES, PURCHASES, PURCHASES))
        return _bindings(bound)

    def delay_bindings(self) -> Sequence[Binding]:
        """The way into the delay queues, and from there back to the work queue."""
        names = [delay_queue(delay) for delay in self.delays_ms]
        return _bindings([(RETRY, WORK, WORK), *((RETRY, name, name) for name in names)])

    def _delaying(self, delay_ms: int) -> Mapping[str, Any]:
        arguments = {
            "x-message-ttl": delay_ms,
            "x-dead-letter-exchange": RETRY,
            "x-dead-letter-routing-key": WORK,
        }
        if self.queue_type is QueueType.QUORUM:
            # Without these a message could be lost between the two queues.
            arguments |= {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
        return self._of_type(arguments)

    def _of_type(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        # A classic queue is declared without its type, as those who do not know of types declare it.
        return {"x-queue-type": "quorum", **arguments} if self.queue_type is QueueType.QUORUM else dict(arguments)


def delay_queue(delay_ms: int) -> str:
    """The name of the queue in which retries wait that long."""
    return f"{RETRY}.{delay_ms}"


def _bindings(bound: Sequence[tuple[str, str, str]]) -> Sequence[Binding]:
    return tuple(Binding(exchange=exchange, queue=queue, routing_key=key) for exchange, queue, key in bound)
