"""Whatever happens, in whatever order: in the end each event counts once. The stateful test of the whole protocol."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from application.ports.message_source import Settled, Verdict
from application.relay import RelayOutbox
from domain.interaction import EventType, Interaction
from domain.product import Product
from domain.user_embedding import UserEmbedding
from tests.builders import interaction, retraction
from tests.unit.turmoil import PRODUCTS, TO_THE_END, USERS, Turmoil

TEXTS = ("green tea", "blue mug", "iron pot")
PHRASES = ("green tea", "a gift")
AGES = (0.0, 0.5, 40.0, 1_000.0, 46_000.0)
"""In days. The last is in 1900: its weight has decayed to nothing beside anything of today."""

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


class ExactlyOnce(RuleBasedStateMachine):
    """Processes record, relay, apply, rebuild, import, catch up and verify, while everything goes wrong.

    Half of the runs lose documents and messages, and may catch up; the others must be right without.
    """

    @initialize(with_broker=st.booleans(), loses_things=st.booleans(), applied=some_deeds, on_their_way=some_deeds)
    def open(self, with_broker: bool, loses_things: bool, applied: Deeds, on_their_way: Deeds) -> None:
        self.turmoil = Turmoil(with_broker, loses_things)
        self.copies: list[UserEmbedding] = []
        self.turmoil.shop.stock(tea="green tea", mug="blue mug")
        self.record(applied, TO_THE_END)
        self.turmoil.shop.work()
        self.record(on_their_way, TO_THE_END)
        self.turmoil.relay_all()

    # What users and the shop do

    @rule(wanted=some_deeds, calls=mostly_whole)
    def record(self, wanted: Deeds, calls: int) -> None:
        events = [
            interaction(f"m{len(self.turmoil.ledger) + at}", event_type, subject, user, age)
            for at, (user, (event_type, subject), age) in enumerate(wanted)
        ]
        self.turmoil.submit(events, calls)

    @precondition(lambda self: self.turmoil.ledger)
    @rule(at=an_index, calls=mostly_whole)
    def retract(self, at: int, calls: int) -> None:
        interactions = [event for event in self.turmoil.ledger if isinstance(event, Interaction)]
        self.turmoil.submit([retraction(f"m{len(self.turmoil.ledger)}", interactions[at % len(interactions)])], calls)

    @rule(product=st.sampled_from(PRODUCTS), text=st.sampled_from(TEXTS), calls=head_starts)
    def bring_product(self, product: str, text: str, calls: int) -> None:
        self.copies.clear()
        self.turmoil.start(
            "import", lambda: self.turmoil.stepped.import_products([Product(product_id=product, text=text)]), calls
        )

    # Processes

    @rule(workers=st.lists(st.tuples(indexes, head_starts), min_size=1, max_size=3))
    def start_workers(self, workers: Sequence[tuple[Sequence[int], int]]) -> None:
        for picks, calls in workers:
            self.turmoil.start_worker(picks, calls)

    @rule(loser=indexes, winner=indexes)
    def lose_a_write_race(self, loser: Sequence[int], winner: Sequence[int]) -> None:
        slow = self.turmoil.start_worker(loser, 0)
        slow.run_to("MemoryUserEmbeddingStore.write")
        self.turmoil.start_worker(winner, TO_THE_END)
        self.turmoil.step(slow, TO_THE_END)

    @precondition(lambda self: self.turmoil.broker is not None)
    @rule(limit=st.integers(1, 5), calls=head_starts)
    def start_relay(self, limit: int, calls: int) -> None:
        relay = RelayOutbox(
            self.turmoil.stepped.outbox,
            self.turmoil.interleaving.through(self.turmoil.broker),
            self.turmoil.storage.clock,
            self.turmoil.shop.metrics,
        )
        self.turmoil.start("relay", lambda: relay(limit), calls)

    @rule(what=st.sampled_from(["rebuild", "verify", "catch up"]), calls=head_starts)
    def start_keeper(self, what: str, calls: int) -> None:
        if what == "rebuild":
            self.turmoil.start(what, self.turmoil.stepped.rebuild.all, calls)
        elif what == "verify":
            self.turmoil.start(what, self.turmoil.stepped.verify.all, calls)
        elif self.turmoil.loses_things:
            self.turmoil.start(what, lambda: self.turmoil.stepped.catch_up(older_than=timedelta(0)), calls)

    @precondition(lambda self: self.turmoil.actors)
    @rule(moves=moves)
    def move(self, moves: Sequence[tuple[int, int]]) -> None:
        for at, calls in moves:
            if self.turmoil.actors:
                self.turmoil.step(self.turmoil.actors[at % len(self.turmoil.actors)], calls)

    # What goes wrong

    @precondition(lambda self: self.turmoil.actors)
    @rule(at=an_index, after_call=st.booleans())
    def crash(self, at: int, after_call: bool) -> None:
        self.turmoil.actors.pop(at % len(self.turmoil.actors)).kill(after_call)

    @precondition(lambda self: self.turmoil.ledger)
    @rule(at=indexes)
    def deliver_again(self, at: Sequence[int]) -> None:
        found = self.turmoil.storage.log.find(
            [self.turmoil.ledger[index % len(self.turmoil.ledger)].message_id for index in at]
        )
        self.turmoil.storage.outbox.add(list(found.values()))

    @precondition(lambda self: self.turmoil.broker is not None)
    @rule()
    def break_connections(self) -> None:
        assert self.turmoil.broker is not None
        self.turmoil.broker.redeliver()

    @rule(down=st.booleans())
    def embedding_service(self, down: bool) -> None:
        self.turmoil.storage.embedder.down = down
        self.turmoil.storage.clock.advance(timedelta(seconds=1))

    @precondition(lambda self: self.turmoil.loses_things)
    @rule(at=indexes)
    def purge(self, at: Sequence[int]) -> None:
        lost = self.turmoil.picked(self.turmoil.shop, at)
        lost.settle([Settled(delivery=d, verdict=Verdict.APPLIED) for d in lost.receive(1_000)])

    @precondition(lambda self: self.turmoil.loses_things)
    @rule(user=st.sampled_from(USERS))
    def lose_document(self, user: str) -> None:
        self.turmoil.storage.store.states.pop(user, None)

    @precondition(lambda self: self.turmoil.loses_things)
    @rule()
    def back_up(self) -> None:
        if (
            not any(actor.name == "import" for actor in self.turmoil.actors)
            and not self.turmoil.storage.changes.product_ids()
        ):
            self.copies += self.turmoil.storage.store.states.values()

    @precondition(lambda self: self.copies)
    @rule(at=an_index)
    def set_back_document(self, at: int) -> None:
        copy = self.copies[at % len(self.copies)]
        self.turmoil.storage.store.states[copy.user_id] = copy

    def teardown(self) -> None:
        try:
            self.turmoil.drain()
            self.turmoil.check()
        finally:
            self.turmoil.interleaving.close()


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
