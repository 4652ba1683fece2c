"""Kombu's transports under the contract tests: RabbitMQ, Redis, memory."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from attrs import define, field
from kombu.connection import Connection

from adapters.memory.event_log import MemoryDatabase, MemoryEventLog
from adapters.memory.system import ManualClock
from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.dead_letter_queue import KombuDeadLetterQueue
from adapters.rabbitmq.installation import KombuInstallation
from adapters.rabbitmq.message_source import KombuMessageSource
from adapters.rabbitmq.publisher import KombuPublisher
from adapters.rabbitmq.topology import FAILED, WORK, Topology
from adapters.system.system import SystemClock
from application.ports.message_source import MessageSource
from application.ports.publisher import Publisher
from application.ports.system import Clock
from application.retry_policy import RetryPolicy
from domain.interaction import Event, LoggedEvent
from tests.builders import NOW
from tests.contract.source_side import SourceSide

Closing = Callable[[Callable[[], None]], None]
"""Takes what is to be called at the end of the test."""

MEMORY = "memory://"
PATIENCE_SECONDS = 10.0
SHORT_DELAY_MS = 20


@define(kw_only=True)
class KombuSide:
    """A publisher, a source and a dead letter queue on one broker."""

    broker: Broker
    retry: RetryPolicy
    clock: Clock
    closing: Closing
    topology: Topology = field(init=False)
    publisher: KombuPublisher = field(init=False)
    source: KombuMessageSource = field(init=False)
    failed: KombuDeadLetterQueue = field(init=False)
    _dead: dict[str, str] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.topology = Topology(retry=self.retry)
        self.publisher = KombuPublisher(self.broker, self.topology)
        self.source = KombuMessageSource(self.broker, self.topology, self.clock)
        self.failed = KombuDeadLetterQueue(self.broker, self.topology, SystemClock(), patience_seconds=0.2)
        for part in (self.publisher, self.source, self.failed):
            self.closing(part.close)
        KombuInstallation(self.broker, self.topology).install()

    def dead(self) -> Mapping[str, str]:
        """Everything that has been found in `failed` until now."""
        found = self.failed.receive(100)
        self._dead.update((delivery.letter.message_id, delivery.letter.error_text) for delivery in found)
        self.failed.forget([delivery.tag for delivery in found])
        return dict(self._dead)

    def side(self, wait: Callable[[timedelta], None], patience_seconds: float) -> SourceSide:
        """This, as the contract tests drive it."""
        log = MemoryEventLog(MemoryDatabase())

        def send(events: Sequence[Event]) -> Sequence[LoggedEvent]:
            with log.transaction() as transaction:
                logged = transaction.append(events, NOW)
            self.publisher.publish(logged)
            return logged

        return SourceSide(
            source=self.source,
            send=send,
            wait=wait,
            lose_consumer=self.source.close,
            dead=self.dead,
            patience_seconds=patience_seconds,
        )


def in_memory(retry: RetryPolicy, closing: Closing) -> SourceSide:
    """Kombu's memory transport. Retries wait on a clock that can be moved."""
    _empty_memory()
    clock = ManualClock(NOW)
    side = KombuSide(broker=Broker(url=MEMORY), retry=retry, clock=clock, closing=closing)
    return side.side(clock.advance, patience_seconds=0.0)


def on_server(url: str, retry: RetryPolicy, closing: Closing) -> KombuSide:
    """A real RabbitMQ or Redis: time is real, so delays are short."""
    if url == MEMORY:
        _empty_memory()
    quick = RetryPolicy.doubling(max_retries=retry.max_retries, delay_ms=SHORT_DELAY_MS)
    return KombuSide(broker=Broker(url=url), retry=quick, clock=SystemClock(), closing=closing)


def on_server_side(url: str, retry: RetryPolicy, closing: Closing) -> SourceSide:
    """The same, as the contract tests of the source drive it."""
    return on_server(url, retry, closing).side(lambda _: None, PATIENCE_SECONDS)


def published(url: str, retry: RetryPolicy, closing: Closing) -> tuple[Publisher, MessageSource]:
    """A publisher, and a source of what it has published."""
    side = on_server(url, retry, closing)
    return side.publisher, side.source


def _empty_memory() -> None:
    """It is one for the whole process."""
    with Connection(MEMORY) as connection:  # type: ignore[no-untyped-call]
        channel = connection.channel()
        for queue in (WORK, FAILED):
            channel.queue_purge(queue)
