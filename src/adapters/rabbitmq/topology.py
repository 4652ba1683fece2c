"""What there is on the broker: names that other systems use, and how they hang together."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from application.ports.message_source import Capability
from application.retry_policy import RetryPolicy

WORK = "user_embedding_updates"
"""The work queue, and the exchange for messages of others."""
RETRY = "user_embedding_updates.retry"
EVENTS = "events"
PURCHASES = "user_embedding_updates.purchases"
FAILED = "failed"
DEAD_EVENTS, DEAD_EVENTS_QUEUE = "events.dlx", "events.dlq"
"""Where the queues of the other consumers bury: an exchange, and its queue."""
ROUTING_KEY = "user.event"

DAY_MS = 86_400_000
FAN_OUT_RETRY = RetryPolicy(delays_ms=(5_000, 30_000, 300_000))
FAN_OUT_ARGUMENTS: Mapping[str, Any] = {
    "x-message-ttl": DAY_MS,
    "x-dead-letter-exchange": DEAD_EVENTS,
    "x-max-length": 100_000,
}
"""A consumer that is away for long must not fill the broker: what its queue drops comes from the log."""


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
class Subscription:
    """What one kind of consumer takes, and what becomes of what it cannot settle."""

    queue: str
    """Where retries come back to."""
    retry: RetryPolicy
    urgent: Sequence[str] = ()
    """Queues that are emptied before it."""
    graveyard: str = FAILED
    """The exchange to which dead letters are published."""

    @property
    def consumed(self) -> Sequence[str]:
        """The queues that are taken from, the most urgent first."""
        return (*self.urgent, self.queue)

    @property
    def retry_exchange(self) -> str:
        """The exchange to which retries are published, and through which they come back."""
        return f"{self.queue}.retry"

    @property
    def trusted(self) -> frozenset[str]:
        """The exchanges to which only Penchant may publish: positions count only in what came through one of them."""
        return frozenset({EVENTS, self.retry_exchange, *self.urgent})

    def delay_queue(self, delay_ms: int) -> str:
        """The name of the queue in which retries wait that long."""
        return f"{self.retry_exchange}.{delay_ms}"


@frozen(kw_only=True)
class Topology:
    """All exchanges, queues and bindings."""

    queue_type: QueueType = field(default=QueueType.QUORUM, converter=QueueType)
    retry: RetryPolicy = field(factory=RetryPolicy.doubling)
    purchases_first: bool = False
    """Whether purchases are published to a queue of their own besides, which is emptied first."""
    fan_out: Sequence[str] = ()
    """The queues of the other consumers, each of which gets a copy of every event."""
    fan_out_retry: RetryPolicy = FAN_OUT_RETRY

    @property
    def work(self) -> Subscription:
        """What the workers of the embeddings take."""
        return self.subscription(WORK)

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """What all consumers take."""
        return (self.work, *map(self.subscription, self.fan_out))

    def subscription(self, queue: str) -> Subscription:
        """What the consumer of a queue takes."""
        if queue == WORK:
            return Subscription(queue=WORK, retry=self.retry, urgent=(PURCHASES,) if self.purchases_first else ())
        return Subscription(queue=queue, retry=self.fan_out_retry, graveyard=DEAD_EVENTS)

    @property
    def graveyards(self) -> Sequence[str]:
        """The queues in which dead letters wait to be collected."""
        return (FAILED, DEAD_EVENTS_QUEUE) if self.fan_out else (FAILED,)

    @property
    def lacking(self) -> frozenset[Capability]:
        """What this type of queue does not promise, whatever the transport does."""
        # A classic queue hands over what has waited long enough without a confirm, so what the work queue does not take
        # just then is lost (https://www.rabbitmq.com/blog/2022/03/29/at-least-once-dead-lettering).
        is_quorum = self.queue_type is QueueType.QUORUM
        return frozenset() if is_quorum else frozenset({Capability.RETRIED_SAFELY})

    def exchanges(self, fan_out: str) -> Sequence[Exchange]:
        """All exchanges, where `fan_out` is the type of those that give each queue a copy."""
        copying = (FAILED, EVENTS, *((DEAD_EVENTS,) if self.fan_out else ()))
        direct = (WORK, *(name for s in self.subscriptions for name in (s.retry_exchange, *s.urgent)))
        return (
            *(Exchange(name=name, type=fan_out) for name in copying),
            *(Exchange(name=name, type="direct") for name in direct),
        )

    def queues(self) -> Sequence[Queue]:
        """The queues of every transport."""
        dead_lettered = {"x-dead-letter-exchange": FAILED}
        # Plain classic queues are what programs declare that know nothing of ours; only what the broker itself gives
        # up, by a policy say, is not among the dead letters then.
        is_quorum = self.queue_type is QueueType.QUORUM
        arguments, accepted = (self._of_type(dead_lettered), ()) if is_quorum else ({}, (dead_lettered,))
        dead_events = Queue(name=DEAD_EVENTS_QUEUE, arguments={"x-message-ttl": 7 * DAY_MS})
        return (
            Queue(name=FAILED, arguments=self._of_type({})),
            *(Queue(name=name, arguments=arguments, accepted=accepted) for name in reversed(self.work.consumed)),
            *((dead_events,) if self.fan_out else ()),
            *(Queue(name=name, arguments=FAN_OUT_ARGUMENTS) for name in self.fan_out),
        )

    def delay_queues(self) -> Sequence[Queue]:
        """The queues in which retries wait, where the transport has queues with a time to live."""
        return tuple(queue for subscription in self.subscriptions for queue in self.delay_queues_of(subscription))

    def delay_queues_of(self, subscription: Subscription) -> Sequence[Queue]:
        """Those of one subscription."""
        return tuple(
            Queue(name=subscription.delay_queue(delay_ms), arguments=self._delaying(subscription, delay_ms))
            for delay_ms in dict.fromkeys(subscription.retry.delays_ms)
        )

    def bindings(self) -> Sequence[Binding]:
        """The bindings of every transport."""
        bound = [
            (FAILED, FAILED, FAILED),
            (EVENTS, WORK, ROUTING_KEY),
            (WORK, WORK, WORK),
            (WORK, WORK, ""),  # Symfony sends an empty routing key unless told otherwise
            *((name, name, name) for name in self.work.urgent),
            *((EVENTS, name, ROUTING_KEY) for name in self.fan_out),
            *(((DEAD_EVENTS, DEAD_EVENTS_QUEUE, DEAD_EVENTS),) if self.fan_out else ()),
        ]
        return _bindings(bound)

    def delay_bindings(self) -> Sequence[Binding]:
        """The way into the delay queues, and from there back to the queue that the retries came from."""
        bound = []
        for subscription in self.subscriptions:
            exchange, names = subscription.retry_exchange, [q.name for q in self.delay_queues_of(subscription)]
            bound += [(exchange, subscription.queue, subscription.queue), *((exchange, name, name) for name in names)]
        return _bindings(bound)

    def _delaying(self, subscription: Subscription, delay_ms: int) -> Mapping[str, Any]:
        arguments = {
            "x-message-ttl": delay_ms,
            "x-dead-letter-exchange": subscription.retry_exchange,
            "x-dead-letter-routing-key": subscription.queue,
        }
        if self.queue_type is QueueType.QUORUM:
            # Without these a message could be lost between the two queues.
            arguments |= {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
        return self._of_type(arguments)

    def _of_type(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        # A classic queue is declared without its type, as those who do not know of types declare it.
        return {"x-queue-type": "quorum", **arguments} if self.queue_type is QueueType.QUORUM else dict(arguments)


def _bindings(bound: Sequence[tuple[str, str, str]]) -> Sequence[Binding]:
    return tuple(Binding(exchange=exchange, queue=queue, routing_key=key) for exchange, queue, key in bound)
