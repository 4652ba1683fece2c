from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field

from adapters.memory.system import FixedProcess, ManualStop, RememberedJournal
from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from application.catch_up_in_turn import CatchUpInTurn
from application.chores import Chore
from application.fold_from_log import USERS_AT_ONCE
from application.ports.message_source import Arrival, Capability, Delivery, MessageSource, Settled
from application.stop_workers import StopWorkers, stop_mark
from application.work import OnOutage
from application.worker import StopReason, Worker, WorkerOptions
from domain.errors import ConfigurationError, RecipeMismatchError, UnavailableError
from domain.recipe import Recipe
from tests.builders import searched, viewed
from tests.shop import DIMENSIONS, Shop

OPTIONS = WorkerOptions(batch_size=10, linger_seconds=0.0)


@define
class WatchedSource:
    """A source that calls a hook before each receive, and knows whether it was closed."""

    source: MessageSource
    before_receive: Callable[[int], None]
    received: int = 0
    closed: bool = False

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.source.capabilities

    def receive(
        self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0
    ) -> Sequence[Delivery | Arrival]:
        self.received += 1
        self.before_receive(self.received)
        return self.source.receive(limit, wait_seconds, linger_seconds)

    def settle(self, outcomes: Sequence[Settled]) -> None:
        self.source.settle(outcomes)

    def close(self) -> None:
        self.closed = True
        self.source.close()


class AwayStore:
    """A store that cannot be reached the first `times` times that it is read."""

    def __init__(self, store: MemoryUserEmbeddingStore, times: int) -> None:
        self._store = store
        self._left = times

    def __getattr__(self, name: str) -> Any:
        if name == "read" and self._left > 0:
            self._left -= 1
            raise UnavailableError("The store is away.")
        return getattr(self._store, name)


def _shop_whose_store_is_away(times: int) -> Shop:
    def through(port: Any) -> Any:
        return AwayStore(port, times) if isinstance(port, MemoryUserEmbeddingStore) else port

    return Shop(through=through)


@define(kw_only=True, eq=False)
class Stage:
    """A worker of a shop, and what a test can do to it."""

    shop: Shop
    chores: list[Chore] = field(factory=list)
    process: FixedProcess = field(factory=FixedProcess)
    journal: RememberedJournal = field(factory=RememberedJournal)
    on_outage: OnOutage = OnOutage.WAIT
    stop: ManualStop = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stop = ManualStop(self.shop.storage.clock)

    def run(self, before_receive: Callable[[int], None], options: WorkerOptions = OPTIONS) -> StopReason:
        source = WatchedSource(self.shop.source(), before_receive)
        worker = Worker(
            work=self.shop.worker(source, self.on_outage),
            source=source,
            registry=self.shop.registry,
            chores=self.chores,
            stop=self.stop,
            process=self.process,
            clock=self.shop.clock,
            metrics=self.shop.metrics,
            journal=self.journal,
        )
        try:
            return worker(options)
        finally:
            assert source.closed

    def end_at(self, turn: int) -> Callable[[int], None]:
        """Ask it to end when it receives for the `turn`-th time."""

        def hook(received: int) -> None:
            if received == turn:
                self.stop.asked = True

        return hook

    def actions(self) -> list[str]:
        return [action for action, _, _ in self.journal.entries]


@pytest.fixture
def stage(shop: Shop) -> Stage:
    return Stage(shop=shop)


def test_a_worker_applies_what_comes_until_it_is_asked_to_stop(stage: Stage) -> None:
    stage.shop.record(viewed("m1"), viewed("m2", "mug"))

    reason = stage.run(stage.end_at(3))

    assert reason is StopReason.ASKED
    assert stage.shop.state().event_count == 2
    assert stage.shop.outbox.depth() == 0


def test_a_batch_that_was_received_is_finished_when_it_is_asked_to_stop(stage: Stage) -> None:
    stage.shop.record(viewed("m1"))

    stage.run(stage.end_at(1))

    assert stage.shop.state().event_count == 1


def test_a_worker_says_at_its_start_what_it_works_on(stage: Stage) -> None:
    options = WorkerOptions(batch_size=10, linger_seconds=0.0, where={"broker": "amqp://ann:***@host"})

    stage.run(stage.end_at(1), options)

    action, _, fields = stage.journal.entries[0]
    assert (action, fields) == ("worker_started", {"batch_size": 10, "broker": "amqp://ann:***@host"})


def test_a_worker_ends_at_its_time_limit(stage: Stage) -> None:
    options = WorkerOptions(batch_size=10, linger_seconds=0.0, time_limit_seconds=30)

    assert stage.run(lambda _: None, options) is StopReason.TIME


def test_a_worker_ends_at_its_memory_limit(stage: Stage) -> None:
    def grow(received: int) -> None:
        stage.process.memory = received * 100

    options = WorkerOptions(batch_size=10, linger_seconds=0.0, memory_limit_bytes=250)

    assert stage.run(grow, options) is StopReason.MEMORY


def test_all_workers_that_run_are_stopped_by_the_mark_and_later_ones_are_not(stage: Stage) -> None:
    stop_workers = StopWorkers(stage.shop.registry, stage.shop.storage.ids)
    stop_workers()

    def mark(received: int) -> None:
        if received == 2:
            stop_workers()
        assert received < 4

    assert stage.run(mark) is StopReason.MARKED
    assert stage.run(stage.end_at(5)) is StopReason.ASKED


def test_a_worker_is_stopped_by_a_mark_that_came_before_it_but_after_its_supervisor(stage: Stage) -> None:
    options = WorkerOptions(batch_size=10, linger_seconds=0.0, stop_mark=stop_mark(stage.shop.registry))
    assert stage.run(stage.end_at(2), options) is StopReason.ASKED
    StopWorkers(stage.shop.registry, stage.shop.storage.ids)()
    stage.stop.asked = False

    assert stage.run(stage.end_at(2), options) is StopReason.MARKED


def test_a_worker_waits_while_a_store_is_away_and_burns_no_retries() -> None:
    shop = _shop_whose_store_is_away(times=5)
    stage = Stage(shop=shop)
    shop.record(searched("m1"))
    before = shop.clock.monotonic()

    stage.run(stage.end_at(2))

    assert (shop.state().event_count, shop.dead_letters.count()) == (1, 0)
    assert stage.actions().count("worker_paused") == 5
    assert stage.actions().count("worker_resumed") == 1
    assert shop.clock.monotonic() - before >= 0.5 + 1 + 2 + 4 + 5


def test_by_the_other_policy_events_die_while_a_store_is_away() -> None:
    shop = _shop_whose_store_is_away(times=1_000)
    stage = Stage(shop=shop, on_outage=OnOutage.RETRY)
    shop.record(searched("m1"))

    def pass_time(received: int) -> None:
        shop.clock.advance(timedelta(minutes=5))
        stage.stop.asked = received > 6

    stage.run(pass_time)

    [letter] = shop.dead_letters.list(10)
    assert (letter.message_id, letter.error_type, letter.attempts) == ("m1", "UnavailableError", 6)


def test_phrases_wait_while_the_embedder_is_away_and_products_go_on(shop: Shop) -> None:
    shop.stock(tea="green tea")
    shop.embedder.unavailable = True
    shop.record(searched("m1"), viewed("m2", "tea"))

    for _ in range(20):
        shop.work()
        shop.clock.advance(timedelta(minutes=2))
    assert (shop.state().event_count, shop.dead_letters.count()) == (1, 0)
    shop.embedder.unavailable = False
    shop.work()

    assert shop.state().event_count == 2


def test_a_worker_ends_when_another_recipe_becomes_active(stage: Stage) -> None:
    stage.shop.record(viewed("m1"))
    other = Recipe(model="another", dimensions=DIMENSIONS)
    stage.shop.registry.set("recipe", other.as_json())

    with pytest.raises(RecipeMismatchError):
        stage.run(lambda _: None)


def test_batches_go_on_between_the_pieces_of_a_long_chore(stage: Stage) -> None:
    counts: list[int] = []

    def sweep() -> Iterator[int]:
        for _ in range(5):
            counts.append(stage.shop.state().event_count if "ann" in stage.shop.storage.store.states else 0)
            yield 1

    def record(received: int) -> None:
        stage.shop.record(searched(f"m{received}"))
        stage.stop.asked = received == 6

    stage.chores.append(Chore(name="sweeping", every_seconds=1_000, begin=sweep))

    stage.run(record)

    assert counts == [0, 1, 2, 3, 4]


def test_an_idle_worker_does_a_long_chore_without_pauses_and_then_waits(stage: Stage) -> None:
    seen: list[float] = []
    before = stage.shop.clock.monotonic()

    def look(received: int) -> None:
        seen.append(stage.shop.clock.monotonic() - before)
        stage.stop.asked = received == 103

    stage.chores.append(Chore(name="sweeping", every_seconds=1_000, begin=lambda: iter([1] * 100)))

    stage.run(look)

    assert seen[100] == 0
    assert seen[102] >= 1


def test_a_worker_that_is_asked_to_stop_in_the_middle_of_a_catch_up_ends_after_a_piece_of_it(stage: Stage) -> None:
    shop = stage.shop
    users = 20 * USERS_AT_ONCE
    shop.record(*(searched(f"m{n}", user_id=f"user {n}") for n in range(users)))
    shop.outbox.delete([delivery.tag for delivery in shop.outbox.due(shop.clock.now(), users)])
    shop.clock.advance(timedelta(minutes=11))
    in_turn = CatchUpInTurn(shop.catch_up, shop.outbox, shop.registry, shop.clock, timedelta(minutes=10), shop.worker())
    stage.chores.append(Chore(name="catching up", every_seconds=15, begin=in_turn))

    reason = stage.run(stage.end_at(3), WorkerOptions(batch_size=USERS_AT_ONCE, linger_seconds=0.0))

    assert reason is StopReason.ASKED
    assert len(shop.storage.store.states) == 3 * USERS_AT_ONCE


def test_a_chore_that_can_never_work_ends_the_worker(stage: Stage) -> None:
    def refuse() -> Iterator[int]:
        raise ConfigurationError("The tables are missing.")

    stage.chores.append(Chore(name="sweeping", every_seconds=1, begin=refuse))

    with pytest.raises(ConfigurationError):
        stage.run(lambda _: None)


def test_failures_and_damaged_states_are_told_without_phrases(stage: Stage) -> None:
    shop = stage.shop
    shop.embedder.refused.add("secret")
    shop.record(searched("m1", "my secret wish"), viewed("m2"))

    stage.run(stage.end_at(2))

    [entry] = [fields for action, _, fields in stage.journal.entries if action == "delivery_failed"]
    assert (entry["message_id"], entry["verdict"]) == ("m1", "dead")
    assert "secret" not in str(stage.journal.entries)
