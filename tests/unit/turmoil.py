"""An installation in turmoil: what the stateful test of the whole protocol runs on, and what it must come to."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from adapters.memory.broker import MemoryBroker
from application.ports.message_source import Arrival, Capability, Delivery, MessageSource, Settled, Verdict
from application.record import RecordStatus
from application.relay import RelayOutbox
from application.retry_policy import RetryPolicy
from application.verify import VerifyReport
from domain.errors import TransientError
from domain.interaction import Event, Interaction, Retraction
from domain.product import Product
from tests.builders import submitted
from tests.interleaving import Actor, Interleaving
from tests.reference import RawEvent, assert_agrees, expected_of
from tests.shop import RECIPE, Shop, Storage

USERS = ("ann", "bob")
PRODUCTS = ("tea", "mug", "pot", "tin")

ALIVE_AT_ONCE = 6
PATIENCE = RetryPolicy.doubling(max_retries=1_000, delay_ms=1)
"""Nothing ends among the dead letters here; they are a way out of the protocol, not a part of it."""

TO_THE_END = 100


class PickedDeliveries:
    """A message source that hands out what is due in any order: only the deliveries at `picks`.

    A broker gets the others back; the outbox never gave them away.
    """

    def __init__(self, source: MessageSource, picks: Sequence[int], gives_back: bool) -> None:
        self._source = source
        self._picks = picks
        self._gives_back = gives_back

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._source.capabilities

    def receive(
        self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0
    ) -> Sequence[Delivery | Arrival]:
        due = self._source.receive(limit, wait_seconds, linger_seconds)
        picked = {pick % len(due) for pick in self._picks} if due else set()
        others = [delivery for at, delivery in enumerate(due) if at not in picked]
        if self._gives_back and others:
            self.settle([Settled(delivery=delivery, verdict=Verdict.LATER) for delivery in others])
        return [due[at] for at in sorted(picked)]

    def settle(self, outcomes: Sequence[Settled]) -> None:
        self._source.settle(outcomes)

    def close(self) -> None:
        self._source.close()


class Turmoil:
    """Processes on one storage, started, stepped and killed one call at a time.

    `ledger` is what the test itself knows: every event that anybody wanted recorded, in that order.
    """

    def __init__(self, with_broker: bool, loses_things: bool) -> None:
        self.storage = Storage()
        self.interleaving = Interleaving()
        self.shop = Shop(self.storage)
        self.stepped = Shop(self.storage, through=self.interleaving.through)
        self.broker = MemoryBroker() if with_broker else None
        self.loses_things = loses_things
        self.actors: list[Actor] = []
        self.ledger: list[Event] = []

    def drain(self) -> None:
        """Bring everything to its end, by nothing but what a running installation does."""
        for actor in self.actors:
            actor.kill()
        self.storage.embedder.down = False
        self.storage.clock.advance(timedelta(days=3_650))
        for receipt in self.shop.record_events(submitted(*self.ledger)):
            assert receipt.status is not RecordStatus.REFUSED
        self.shop.import_products.resume()
        unknown = self.storage.catalogue.unknown(PRODUCTS)
        self.shop.import_products([Product(product_id=product_id, text="new " + product_id) for product_id in unknown])
        if self.broker is not None:
            self.broker.redeliver()
        if self.loses_things:
            self.shop.catch_up(older_than=timedelta(0))
        self.relay_all()
        self.shop.worker(self.source(self.shop)).drain(3)
        assert self.storage.outbox.depth() == 0

    def check(self) -> None:
        """Fail unless every state is what the ledger gives, and verify agrees."""
        retracted = {event.retracts for event in self.ledger if isinstance(event, Retraction)}
        raw = [
            RawEvent(
                user_id=event.user_id,
                event_type=event.event_type,
                subject=event.search_phrase or event.product_id or "",
                occurred_at=event.occurred_at,
                retracted=event.message_id in retracted,
            )
            for event in self.ledger
            if isinstance(event, Interaction)
        ]
        rate = RECIPE.decay.rate_per_day
        for user_id in USERS:
            state = self.storage.store.states.get(user_id)
            assert_agrees(state, expected_of(raw, user_id, self._vector_of, RECIPE.weights, rate), rate)
            head = self.storage.log.heads_of([user_id]).get(user_id, 0)
            assert (state.applied.position if state is not None else 0) == head
            assert state is None or state.applied.missing == ()
        report = self.shop.verify.all()
        assert (report.mismatches, report.lag, report.waiting) == ((), 0, 0)

    def _vector_of(self, subject: str) -> np.ndarray:
        text = self.storage.catalogue.read([subject])[subject].product.text if subject in PRODUCTS else subject
        vector = self.storage.embedder.embed([text])[0]
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def relay_all(self) -> None:
        """Move whatever is in the outbox to the broker, if there is one."""
        if self.broker is not None:
            RelayOutbox(self.storage.outbox, self.broker, self.storage.clock, self.shop.metrics)(10_000)

    def submit(self, events: Sequence[Event], calls: int) -> None:
        """Have a process record these events."""
        self.ledger += events
        self.start("record", lambda: self.stepped.record_events(submitted(*events)), calls)

    def start_worker(self, picks: Sequence[int], calls: int) -> Actor:
        """A worker that gets the deliveries at `picks`."""
        work = self.stepped.worker(self.picked(self.stepped, picks))
        return self.start("work", lambda: work.batch(1_000), calls)

    def start(self, name: str, work: Callable[[], Any], calls: int) -> Actor:
        """A process that makes some calls and then stands still. Of too many, the oldest dies."""
        if len(self.actors) == ALIVE_AT_ONCE:
            self.actors.pop(0).kill()
        actor = self.interleaving.start(name, work)
        self.actors.append(actor)
        self.step(actor, calls)
        return actor

    def step(self, actor: Actor, calls: int) -> None:
        """Let it make some calls, and dismiss it at its end. It may give up for now; verify never finds a mismatch."""
        for _ in range(calls):
            actor.step()
        if not actor.finished or actor not in self.actors:
            return
        self.actors.remove(actor)
        try:
            result = actor.result
        except TransientError:
            return
        if isinstance(result, VerifyReport):
            assert result.mismatches == ()

    def source(self, shop: Shop) -> MessageSource:
        """Where a worker of that process gets its deliveries."""
        return self.interleaving.through(self.broker) if self.broker is not None else shop.source(PATIENCE)

    def picked(self, shop: Shop, picks: Sequence[int]) -> PickedDeliveries:
        """The same, with the deliveries at `picks` only."""
        return PickedDeliveries(self.source(shop), picks, gives_back=self.broker is not None)
