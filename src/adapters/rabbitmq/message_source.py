"""Deliveries from the work queue."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from attrs import evolve

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.burial import buried
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.intake import Intake, Message
from adapters.rabbitmq.outlet import Outgoing, Outlet
from adapters.rabbitmq.topology import Subscription, Topology
from adapters.rabbitmq.wire import ATTEMPTS, FIRST_FAILED_AT, position_headers, read_delivery
from application.ports.message_source import Arrival, Capability, Delivery, Settled, Verdict
from application.ports.system import Clock
from domain.errors import InvalidValueError, UnavailableError

MAX_BUFFER_BYTES = 16 * 1024 * 1024
"""Once bodies of this size have arrived, what is there is handed out before more is read."""


class KombuMessageSource:
    """Consumes the queues of one subscription.

    What comes later waits in a queue of the broker. Where the transport has no such queues, it waits here, still
    unacknowledged, and its count of attempts is lost when this process ends.

    Parameters
    ----------
    subscription : what to take of what there is; that of the workers of the embeddings, if it is left out.
    prefetch : how many messages the broker hands over before some are settled; twice the batch is a good number.
    max_bytes : a larger body is no event.
    """

    def __init__(
        self,
        broker: Broker,
        topology: Topology,
        clock: Clock,
        *,
        subscription: Subscription | None = None,
        prefetch: int = 1_000,
        max_bytes: int = 1024 * 1024,
    ) -> None:
        self._transport = broker.transport
        self._topology = topology
        self._subscription = subscribed = subscription if subscription is not None else topology.work
        self._clock = clock
        self._max_bytes = max_bytes
        intake = partial(Intake, broker=broker, topology=topology, subscription=subscribed, prefetch=prefetch)
        self._consumer = BrokerConnection(broker, intake)
        self._outlet = Outlet(broker, topology)
        self._tags = count(1)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._transport.capabilities - self._topology.lacking

    def receive(
        self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0
    ) -> Sequence[Delivery | Arrival]:
        deliveries: list[Delivery | Arrival] = []
        end = self._clock.monotonic() + wait_seconds
        with self._consumer.session() as intake:
            while True:
                came = self._read(intake, limit - len(deliveries), end)
                first = not deliveries
                deliveries += self._hand_out(intake, limit - len(deliveries))
                if first and deliveries:
                    end = self._clock.monotonic() + linger_seconds
                if len(deliveries) >= limit or (not came and self._clock.monotonic() >= end):
                    break
            self._bury_unreadable(intake, needed=not deliveries)
        return deliveries

    def settle(self, outcomes: Sequence[Settled]) -> None:
        if not outcomes:
            return
        now = self._clock.now()
        with self._consumer.session() as intake:
            # What is not known any more was received on an earlier connection: it comes again.
            known = {s.delivery.tag: s for s in outcomes if s.delivery.tag in intake.handed_out}
            moves: dict[int, Outgoing] = {}
            done = []
            for tag, settled in known.items():
                message = intake.handed_out[tag]
                if settled.verdict is Verdict.APPLIED:
                    done.append(tag)
                elif self._is_dead(settled):
                    moves[tag] = self._grave(settled, message, now)
                elif Capability.DELAYED in self._transport.capabilities:
                    moves[tag] = self._retry(settled, message, now)
                else:
                    self._hold(intake, settled, now)
            self._forget(intake, done)
        if moves:
            # Published first and acknowledged then: twice is possible, never is not.
            self._outlet.send(moves.values())
            with self._consumer.session() as intake:
                self._forget(intake, [tag for tag in moves if tag in intake.handed_out])

    def close(self) -> None:
        self._consumer.close(Intake.close)
        self._outlet.close()

    def _read(self, intake: Intake, wanted: int, end: float) -> bool:
        """Wait for something until `end` or until something held is due, then read what else is there already."""
        due = intake.next_due()
        patience = (min(end, due) if due is not None else end) - self._clock.monotonic()
        came = intake.arrived > 0 or self._consumer.drain(max(patience, self._transport.empty_after_seconds))
        while intake.arrived < wanted and intake.bytes < MAX_BUFFER_BYTES:
            if not self._consumer.drain(self._transport.empty_after_seconds):
                break
        return came

    def _hand_out(self, intake: Intake, limit: int) -> list[Delivery | Arrival]:
        deliveries: list[Delivery | Arrival] = []
        for message in intake.take(limit, self._clock.monotonic()):
            tag = next(self._tags)
            try:
                trusted, now = self._subscription.trusted, self._clock.now()
                delivery = read_delivery(message.received, trusted, tag, now, self._max_bytes)
            except InvalidValueError as error:
                intake.unreadable.append((message, error))
                continue
            if message.attempts is not None:
                delivery = evolve(delivery, attempts=message.attempts, first_failed_at=message.first_failed_at)
            intake.handed_out[tag] = message
            deliveries.append(delivery)
        return deliveries

    def _bury_unreadable(self, intake: Intake, *, needed: bool) -> None:
        if not intake.unreadable:
            return
        now = self._clock.now()
        try:
            self._outlet.send(self._buried(message, error, 0, None, now) for message, error in intake.unreadable)
        except UnavailableError:
            if needed:
                raise
            return  # readable ones are not held up by a broker that takes nothing: these are tried again next time
        intake.acknowledge([message for message, _ in intake.unreadable])
        intake.unreadable.clear()

    def _is_dead(self, settled: Settled) -> bool:
        gives_up = settled.verdict is Verdict.LATER and self._subscription.retry.gives_up_after(
            settled.delivery.attempts
        )
        return gives_up or settled.verdict is Verdict.DEAD

    def _grave(self, settled: Settled, message: Message, now: datetime) -> Outgoing:
        delivery = settled.delivery
        return self._buried(message, settled.error, delivery.attempts + 1, delivery.first_failed_at, now)

    def _buried(
        self, message: Message, error: Exception | None, attempts: int, failed_first: datetime | None, now: datetime
    ) -> Outgoing:
        graveyard, queue = self._subscription.graveyard, message.line.queue
        return buried(message.received, graveyard, queue, error, attempts, failed_first, now)

    def _retry(self, settled: Settled, message: Message, now: datetime) -> Outgoing:
        delivery = settled.delivery
        attempts, first_failed_at = _after(settled, now)
        # Headers are made anew, so that nothing a stranger wrote into them comes back through an exchange of ours.
        headers: dict[str, Any] = position_headers(delivery.logged) if isinstance(delivery, Delivery) else {}
        headers[ATTEMPTS] = attempts
        if first_failed_at is not None:
            headers[FIRST_FAILED_AT] = first_failed_at.isoformat()
        event = delivery.logged.event if isinstance(delivery, Delivery) else delivery.submission.event
        return Outgoing(
            exchange=self._subscription.retry_exchange,
            routing_key=self._subscription.delay_queue(self._delay_ms(settled)),
            body=message.received.body,
            headers=headers,
            message_id=event.message_id,
            timestamp=max(int(event.occurred_at.timestamp()), 0),
        )

    def _hold(self, intake: Intake, settled: Settled, now: datetime) -> None:
        attempts, first_failed_at = _after(settled, now)
        message = intake.handed_out.pop(settled.delivery.tag)
        until = self._clock.monotonic() + self._delay_ms(settled) / 1_000
        intake.hold(evolve(message, attempts=attempts, first_failed_at=first_failed_at), until)

    def _delay_ms(self, settled: Settled) -> int:
        delays = self._subscription.retry.delays_ms
        if settled.verdict is Verdict.LATER:
            return delays[settled.delivery.attempts]
        asked = settled.error.retry_after_seconds if isinstance(settled.error, UnavailableError) else None
        pause_ms = asked * 1_000 if asked is not None else 0.0
        return next((delay for delay in delays if delay >= pause_ms), delays[-1])

    def _forget(self, intake: Intake, tags: Sequence[int]) -> None:
        intake.acknowledge([intake.handed_out.pop(tag) for tag in tags])


def _after(settled: Settled, now: datetime) -> tuple[int, datetime | None]:
    """The count of attempts and the time of the first failure that the delivery comes again with."""
    delivery = settled.delivery
    if settled.verdict is Verdict.NOT_TRIED:
        return delivery.attempts, delivery.first_failed_at
    return delivery.attempts + 1, delivery.first_failed_at if delivery.first_failed_at is not None else now
