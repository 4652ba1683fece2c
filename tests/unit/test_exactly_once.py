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
from application.ports.message_source import Delivery, MessageSource, Settled, Verdict
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

TO_THE_END = 100

an_index = st.integers(0, 1_000)
indexes = st.lists(an_index, min_size=1, max_size=5)
subjects = st.one_of(
    st.tuples(st.sampled_from([EventType.VIEW, EventType.PURCHASE]), st.sampled_from(PRODUCTS)),
    st.tuples(st.just(EventType.SEARCH), st.sampled_from(PHRASES)),
)
Deeds = Sequence[tuple[str, tuple[EventType, str], float]]
some_deeds = st.lists(st.tuples(st.sampled_from(USERS), subjects, st.sampled_from(AGES)), min_size=1, max_size=5)
moves = st.lists(st.tuples(an_index, st.sampled_from([1, 2, 4, TO_THE_END])), min_size=2, max_size=8)
head_starts = st.sampled_from([TO_THE_END, 1, 3, 4, 5, 6, 7, 8])
"""How many calls a new process makes before anything else happens."""
mostly_whole = st.sampled_from([TO_THE_END, TO_THE_END, TO_THE_END, 1, 2, 3])


class PickedDeliveries:
    """A message source that hands out what is due in any order: only the deliveries at `picks`.

    A broker gets the others back; the outbox never gave them away.
    """

    def __init__(self, source: MessageSource, picks: Sequence[int], gives_back: bool) -> None:
        self._source = source
        self._picks = picks
        self._gives_back = gives_back

    def receive(self, limit: int) -> Sequence[Delivery]:
        due = self._source.receive(limit)
        picked = {pick % len(due) for pick in self._picks} if due else set()
        others = [delivery for at, delivery in enumerate(due) if at not in picked]
        if self._gives_back and others:
            self.settle([Settled(delivery=delivery, verdict=Verdict.LATER) for delivery in others])
        return [due[at] for at in sorted(picked)]

    def settle(self, outcomes: Sequence[Settled]) -> None:
        self._source.settle(outcomes)


class ExactlyOnce(RuleBasedStateMachine):
    """Processes that record, relay, apply, rebuild, import, catch up and verify, while everything goes wrong.

    `ledger` is what the test itself knows: every event that anybody wanted recorded, in that order. Half of the runs
    lose documents and messages, and may catch up; the others must be right without.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storage = Storage()
        self.interleaving = Interleaving()
        self.shop = Shop(self.storage)
        self.stepped = Shop(self.storage, through=self.interleaving.through)
        self.broker: MemoryBroker | None = None
        self.loses_things = False
        self.actors: list[Actor] = []
        self.ledger: list[Event] = []
        self.copies: list[UserEmbedding] = []

    @initialize(with_broker=st.booleans(), loses_things=st.booleans(), applied=some_deeds, on_their_way=some_deeds)
    def open(self, with_broker: bool, loses_things: bool, applied: Deeds, on_their_way: Deeds) -> None:
        self.broker = MemoryBroker() if with_broker else None
        self.loses_things = loses_things
        self.shop.stock(tea="green tea", mug="blue mug")
        self.record(applied, TO_THE_END)
        self.shop.work()
        self.record(on_their_way, TO_THE_END)
        self._relay_all()

    # What users and the shop do

    @rule(wanted=some_deeds, calls=mostly_whole)
    def record(self, wanted: Deeds, calls: int) -> None:
        events = [
            interaction(f"m{len(self.ledger) + at}", event_type, subject, user, age)
            for at, (user, (event_type, subject), age) in enumerate(wanted)
        ]
        self._submit(events, calls)

    @precondition(lambda self: self.ledger)
    @rule(at=an_index, calls=mostly_whole)
    def retract(self, at: int, calls: int) -> None:
        interactions = [event for event in self.ledger if isinstance(event, Interaction)]
        self._submit([retraction(f"m{len(self.ledger)}", interactions[at % len(interactions)])], calls)

    @rule(product=st.sampled_from(PRODUCTS), text=st.sampled_from(TEXTS), calls=head_starts)
    def bring_product(self, product: str, text: str, calls: int) -> None:
        self.copies.clear()
        self._start("import", lambda: self.stepped.import_products([Product(product_id=product, text=text)]), calls)

    # Processes

    @rule(workers=st.lists(st.tuples(indexes, head_starts), min_size=1, max_size=3))
    def start_workers(self, workers: Sequence[tuple[Sequence[int], int]]) -> None:
        for picks, calls in workers:
            self._start_worker(picks, calls)

    @rule(loser=indexes, winner=indexes)
    def lose_a_write_race(self, loser: Sequence[int], winner: Sequence[int]) -> None:
        slow = self._start_worker(loser, 0)
        slow.run_to("MemoryUserEmbeddingStore.write")
        self._start_worker(winner, TO_THE_END)
        self._step(slow, TO_THE_END)

    @precondition(lambda self: self.broker is not None)
    @rule(limit=st.integers(1, 5), calls=head_starts)
    def start_relay(self, limit: int, calls: int) -> None:
        relay = RelayOutbox(self.stepped.outbox, self.interleaving.through(self.broker), self.storage.clock)
        self._start("relay", lambda: relay(limit), calls)

    @rule(what=st.sampled_from(["rebuild", "verify", "catch up"]), calls=head_starts)
    def start_keeper(self, what: str, calls: int) -> None:
        if what == "rebuild":
            self._start(what, self.stepped.rebuild.all, calls)
        elif what == "verify":
            self._start(what, self.stepped.verify.all, calls)
        elif self.loses_things:
            self._start(what, lambda: self.stepped.catch_up(older_than=timedelta(0)), calls)

    @precondition(lambda self: self.actors)
    @rule(moves=moves)
    def move(self, moves: Sequence[tuple[int, int]]) -> None:
        for at, calls in moves:
            if self.actors:
                self._step(self.actors[at % len(self.actors)], calls)

    # What goes wrong

    @precondition(lambda self: self.actors)
    @rule(at=an_index, after_call=st.booleans())
    def crash(self, at: int, after_call: bool) -> None:
        self.actors.pop(at % len(self.actors)).kill(after_call)

    @precondition(lambda self: self.ledger)
    @rule(at=indexes)
    def deliver_again(self, at: Sequence[int]) -> None:
        found = self.storage.log.find([self.ledger[index % len(self.ledger)].message_id for index in at])
        self.storage.outbox.add(list(found.values()))

    @precondition(lambda self: self.broker is not None)
    @rule()
    def break_connections(self) -> None:
        assert self.broker is not None
        self.broker.redeliver()

    @rule(down=st.booleans())
    def embedding_service(self, down: bool) -> None:
        self.storage.embedder.down = down
        self.storage.clock.advance(timedelta(seconds=1))

    @precondition(lambda self: self.loses_things)
    @rule(at=indexes)
    def purge(self, at: Sequence[int]) -> None:
        lost = self._picked(self.shop, at)
        lost.settle([Settled(delivery=d, verdict=Verdict.APPLIED) for d in lost.receive(1_000)])

    @precondition(lambda self: self.loses_things)
    @rule(user=st.sampled_from(USERS))
    def lose_document(self, user: str) -> None:
        self.storage.store.states.pop(user, None)

    @precondition(lambda self: self.loses_things)
    @rule()
    def back_up(self) -> None:
        if not any(actor.name == "import" for actor in self.actors) and not self.storage.changes.product_ids():
            self.copies += self.storage.store.states.values()

    @precondition(lambda self: self.copies)
    @rule(at=an_index)
    def set_back_document(self, at: int) -> None:
        copy = self.copies[at % len(self.copies)]
        self.storage.store.states[copy.user_id] = copy

    # The end

    def teardown(self) -> None:
        try:
            for actor in self.actors:
                actor.kill()
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
        if self.loses_things:
            self.shop.catch_up(older_than=timedelta(0))
        self._relay_all()
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

    def _relay_all(self) -> None:
        if self.broker is not None:
            RelayOutbox(self.storage.outbox, self.broker, self.storage.clock)(10_000)

    def _submit(self, events: Sequence[Event], calls: int) -> None:
        self.ledger += events
        self._start("record", lambda: self.stepped.record_events(submitted(*events)), calls)

    def _start_worker(self, picks: Sequence[int], calls: int) -> Actor:
        return self._start("work", Work(self._picked(self.stepped, picks), self.stepped.update, 1_000).batch, calls)

    def _start(self, name: str, work: Callable[[], Any], calls: int) -> Actor:
        if len(self.actors) == ALIVE_AT_ONCE:
            self.actors.pop(0).kill()
        actor = self.interleaving.start(name, work)
        self.actors.append(actor)
        self._step(actor, calls)
        return actor

    def _step(self, actor: Actor, calls: int) -> None:
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

    def _source(self, shop: Shop) -> MessageSource:
        return self.interleaving.through(self.broker) if self.broker is not None else shop.source(PATIENCE)

    def _picked(self, shop: Shop, picks: Sequence[int]) -> PickedDeliveries:
        return PickedDeliveries(self._source(shop), picks, gives_back=self.broker is not None)


QUICK = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_each_event_counts_once_whatever_happens() -> None:
    run_state_machine_as_test(ExactlyOnce, settings=QUICK)


@pytest.mark.slow
def test_each_event_counts_once_whatever_happens_for_long() -> None:
    deep = settings(QUICK, max_examples=700, stateful_step_count=60, derandomize=False)
    run_state_machine_as_test(ExactlyOnce, settings=deep)
