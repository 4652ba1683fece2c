"""Whatever happens, in whatever order: in the end each event counts once. The stateful test of the whole protocol."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from adapters.memory.broker import MemoryBroker
from adapters.outbox.message_source import RetryPolicy
from application.ports.message_source import MessageSource, Settled, Verdict
from application.record import RecordStatus
from application.relay import RelayOutbox
from application.verify import VerifyReport
from application.work import Work
from domain.errors import TransientError
from domain.interaction import Event, EventType, Interaction, Retraction
from domain.product import Product
from domain.user_embedding import UserEmbedding
from tests.builders import interaction, retraction, submitted
from tests.interleaving import Actor, Interleaving
from tests.reference import RawEvent, assert_agrees, expected_of
from tests.shop import RECIPE, Shop, Storage

USERS = ("ann", "bob")
PRODUCTS = ("tea", "mug", "pot", "tin")
TEXTS = ("green tea", "blue mug", "iron pot")
PHRASES = ("green tea", "a gift")
AGES = (0.0, 0.5, 40.0, 1_000.0, 46_000.0)
"""In days. The last is in 1900: its weight has decayed to nothing beside anything of today."""

ALIVE_AT_ONCE = 6
PATIENCE = RetryPolicy(max_retries=1_000, delay_ms=1)
"""Nothing ends among the dead letters here; they are a way out of the protocol, not a part of it."""

an_index = st.integers(0, 1_000)
subjects = st.one_of(
    st.tuples(st.sampled_from([EventType.VIEW, EventType.PURCHASE]), st.sampled_from(PRODUCTS)),
    st.tuples(st.just(EventType.SEARCH), st.sampled_from(PHRASES)),
)
deeds = st.tuples(st.sampled_from(USERS), subjects, st.sampled_from(AGES))
moves = st.lists(st.tuples(an_index, st.integers(1, 12)), min_size=1, max_size=6)


class ExactlyOnce(RuleBasedStateMachine):
    """Processes that record, relay, apply, rebuild, import, catch up and verify, while everything goes wrong.

    `ledger` is what the test itself knows: every event that anybody wanted recorded, in that order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storage = Storage()
        self.interleaving = Interleaving()
        self.shop = Shop(self.storage)
        self.stepped = Shop(self.storage, through=self.interleaving.through)
        self.broker: MemoryBroker | None = None
        self.actors: list[Actor] = []
        self.ledger: list[Event] = []
        self.copies: list[UserEmbedding] = []
        self.must_catch_up = False

    @initialize(with_broker=st.booleans())
    def open(self, with_broker: bool) -> None:
        self.broker = MemoryBroker() if with_broker else None
        self.shop.stock(tea="green tea", mug="blue mug")

    # What users and the shop do

    @rule(wanted=st.lists(deeds, min_size=1, max_size=4))
    def record(self, wanted: Sequence[tuple[str, tuple[EventType, str], float]]) -> None:
        self._submit(
            [
                interaction(f"m{len(self.ledger) + at}", event_type, subject, user, age)
                for at, (user, (event_type, subject), age) in enumerate(wanted)
            ]
        )

    @precondition(lambda self: self.ledger)
    @rule(at=an_index)
    def retract(self, at: int) -> None:
        interactions = [event for event in self.ledger if isinstance(event, Interaction)]
        self._submit([retraction(f"m{len(self.ledger)}", interactions[at % len(interactions)])])

    @rule(product=st.sampled_from(PRODUCTS), text=st.sampled_from(TEXTS))
    def bring_product(self, product: str, text: str) -> None:
        self.copies.clear()
        self._start("import", lambda: self.stepped.import_products([Product(product_id=product, text=text)]))

    # Processes

    @rule(batch_size=st.integers(1, 5), batches=st.integers(1, 3))
    def start_worker(self, batch_size: int, batches: int) -> None:
        work = Work(self._source(self.stepped), self.stepped.update, batch_size)
        self._start("work", lambda: [work.batch() for _ in range(batches)])

    @precondition(lambda self: self.broker is not None)
    @rule(limit=st.integers(1, 5))
    def start_relay(self, limit: int) -> None:
        broker = self.interleaving.through(self.broker)
        relay = RelayOutbox(self.stepped.outbox, broker, self.storage.clock)
        self._start("relay", lambda: relay(limit))

    @rule(users=st.sampled_from([("ann",), ("bob",), USERS]))
    def start_rebuild(self, users: Sequence[str]) -> None:
        self._start("rebuild", lambda: self.stepped.rebuild(users))

    @rule()
    def start_catch_up(self) -> None:
        self._start("catch-up", lambda: self.stepped.catch_up(older_than=timedelta(0)))

    @rule()
    def start_verify(self) -> None:
        self._start("verify", self.stepped.verify.all)

    @precondition(lambda self: self.actors)
    @rule(moves=moves)
    def move(self, moves: Sequence[tuple[int, int]]) -> None:
        for at, calls in moves:
            for _ in range(calls):
                if self.actors:
                    actor = self.actors[at % len(self.actors)]
                    actor.step()
                    self._look_at(actor)

    @precondition(lambda self: self.actors)
    @rule(at=an_index)
    def let_finish(self, at: int) -> None:
        actor = self.actors[at % len(self.actors)]
        while not actor.finished:
            actor.step()
        self._look_at(actor)

    # What goes wrong

    @precondition(lambda self: self.actors)
    @rule(at=an_index, after_call=st.booleans())
    def crash(self, at: int, after_call: bool) -> None:
        self.actors.pop(at % len(self.actors)).kill(after_call)

    @precondition(lambda self: self.ledger)
    @rule(at=st.lists(an_index, min_size=1, max_size=4))
    def deliver_again(self, at: Sequence[int]) -> None:
        found = self.storage.log.find([self.ledger[index % len(self.ledger)].message_id for index in at])
        self.storage.outbox.add(list(found.values()))

    @rule(count=st.integers(1, 3))
    def reorder(self, count: int) -> None:
        now = self.storage.clock.now()
        if self.broker is not None:
            self._settle_unseen(count, Verdict.LATER)
            return
        for row in self.storage.outbox.due(now, count):
            self.storage.outbox.add([row.logged])
            self.storage.outbox.delete([row.id])

    @precondition(lambda self: self.broker is not None)
    @rule()
    def break_connections(self) -> None:
        assert self.broker is not None
        self.broker.redeliver()

    @precondition(lambda self: self.broker is not None)
    @rule(count=st.integers(1, 3))
    def purge(self, count: int) -> None:
        self.must_catch_up = True
        self._settle_unseen(count, Verdict.APPLIED)

    @rule(down=st.booleans())
    def embedding_service(self, down: bool) -> None:
        self.storage.embedder.down = down

    @rule()
    def pass_time(self) -> None:
        self.storage.clock.advance(timedelta(seconds=1))

    @rule(user=st.sampled_from(USERS))
    def lose_document(self, user: str) -> None:
        self.must_catch_up = True
        self.storage.store.states.pop(user, None)

    @rule()
    def back_up(self) -> None:
        if not any(actor.name == "import" for actor in self.actors) and not self.storage.changes.product_ids():
            self.copies += self.storage.store.states.values()

    @precondition(lambda self: self.copies)
    @rule(at=an_index)
    def set_back_document(self, at: int) -> None:
        self.must_catch_up = True
        copy = self.copies[at % len(self.copies)]
        self.storage.store.states[copy.user_id] = copy

    # The end

    def teardown(self) -> None:
        try:
            for actor in self.actors:
                actor.kill()
            if self.broker is not None or self.ledger:
                self._drain()
                self._check()
        finally:
            self.interleaving.close()

    def _drain(self) -> None:
        """Bring everything to its end, by nothing but what a running installation does."""
        self.storage.embedder.down = False
        self.storage.clock.advance(timedelta(days=3_650))
        for receipt in self.shop.record_events(submitted(*self.ledger)):
            assert receipt.status is not RecordStatus.REFUSED
        self.shop.import_products.resume()
        unknown = self.storage.catalogue.unknown(PRODUCTS)
        self.shop.import_products([Product(product_id=product_id, text="new " + product_id) for product_id in unknown])
        if self.broker is not None:
            self.broker.redeliver()
        if self.must_catch_up:
            self.shop.catch_up(older_than=timedelta(0))
        if self.broker is not None:
            RelayOutbox(self.storage.outbox, self.broker, self.storage.clock)(10_000)
        Work(self._source(self.shop), self.shop.update, 3).drain()
        assert self.storage.outbox.depth() == 0

    def _check(self) -> None:
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

    # Helpers

    def _submit(self, events: Sequence[Event]) -> None:
        self.ledger += events
        self._start("record", lambda: self.stepped.record_events(submitted(*events)))

    def _start(self, name: str, work: Callable[[], Any]) -> None:
        if len(self.actors) == ALIVE_AT_ONCE:
            self.actors.pop(0).kill()
        self.actors.append(self.interleaving.start(name, work))
        self._look_at(self.actors[-1])

    def _look_at(self, actor: Actor) -> None:
        """Dismiss an actor that is done. It may have given up for now; a verifier never sees anything wrong."""
        if not actor.finished:
            return
        self.actors.remove(actor)
        try:
            result = actor.result
        except TransientError:
            return
        if isinstance(result, VerifyReport):
            assert result.mismatches == ()

    def _source(self, shop: Shop) -> MessageSource:
        return self.interleaving.through(self.broker) if self.broker is not None else shop.source(PATIENCE)

    def _settle_unseen(self, count: int, verdict: Verdict) -> None:
        """Take deliveries that no worker has seen, and settle them: later to reorder them, applied to lose them."""
        assert self.broker is not None
        self.broker.settle([Settled(delivery=d, verdict=verdict) for d in self.broker.receive(count)])


QUICK = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_each_event_counts_once_whatever_happens() -> None:
    run_state_machine_as_test(ExactlyOnce, settings=QUICK)


@pytest.mark.slow
def test_each_event_counts_once_whatever_happens_for_long() -> None:
    run_state_machine_as_test(ExactlyOnce, settings=settings(QUICK, max_examples=700, stateful_step_count=60, derandomize=False))
