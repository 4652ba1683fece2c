from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from adapters.memory.broker import MemoryBroker
from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from application.event_message import Submission
from application.ports.event_log import LogFilter
from application.ports.message_source import Arrival, Capability, Delivery, Settled, Verdict
from application.ports.user_embedding_store import StateWrite
from application.retry_policy import RetryPolicy
from application.update import UpdateReport
from application.work import OnOutage, Work
from domain.errors import ConflictError, RetractionRefusedError, TransientError
from domain.interaction import Event
from tests.builders import retraction, searched, viewed
from tests.shop import Shop


def test_work_goes_on_batch_by_batch_until_nothing_is_due(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}") for n in range(5)))
    batches: list[int] = []

    report = shop.worker().drain(2, batches.append)

    assert batches == [2, 2, 1]
    assert (report.verdicts, report.rebuilt) == (Counter({Verdict.APPLIED: 5}), Counter(new=1))
    assert shop.outbox.depth() == 0


def test_without_deliveries_there_is_nothing_to_report(shop: Shop) -> None:
    assert shop.worker().batch(2).deliveries == 0


def test_what_failed_for_now_is_tried_again_after_a_delay(shop: Shop) -> None:
    shop.embedder.down = True
    shop.record(searched("m1"))
    assert shop.work().verdicts == Counter({Verdict.LATER: 1})
    shop.embedder.down = False

    assert shop.work().deliveries == 0
    shop.clock.advance(timedelta(milliseconds=5_000))

    assert shop.work().verdicts == Counter({Verdict.APPLIED: 1})


def test_what_always_fails_for_now_is_dead_after_its_retries(shop: Shop) -> None:
    shop.embedder.down = True
    shop.record(searched("m1"))
    work = shop.worker(shop.source(RetryPolicy.doubling(max_retries=2, delay_ms=1_000)))
    for _ in range(3):
        work.drain(10)
        shop.clock.advance(timedelta(seconds=4))

    [letter] = shop.dead_letters.list(10)
    assert (letter.message_id, letter.attempts, letter.error_type) == ("m1", 3, "TransientError")
    assert shop.outbox.depth() == 0


def test_a_broker_is_a_source_too(shop: Shop) -> None:
    broker = MemoryBroker()
    broker.publish([receipt.logged for receipt in shop.record(viewed("m1"), viewed("m2"))])

    shop.worker(broker).drain(10)

    assert shop.state().event_count == 2


class Arrivals:
    """A source of messages from elsewhere."""

    capabilities = frozenset(Capability)

    def __init__(self, *events: Event) -> None:
        self.waiting = [Arrival(submission=Submission(event=event), tag=tag) for tag, event in enumerate(events)]
        self.outcomes: list[Settled] = []

    def receive(self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0) -> Sequence[Arrival]:
        received, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return received

    def settle(self, outcomes: Sequence[Settled]) -> None:
        self.outcomes += outcomes

    def close(self) -> None:
        pass

    def verdicts(self) -> list[Verdict]:
        return [outcome.verdict for outcome in self.outcomes]


def test_what_comes_from_elsewhere_is_recorded_and_comes_back_with_a_position(shop: Shop) -> None:
    source = Arrivals(viewed("m1"), viewed("m1"), retraction("m2", "m1"))

    shop.worker(source).drain(10)

    assert source.verdicts() == [Verdict.APPLIED] * 3
    assert [row.logged.position for row in shop.outbox.due(shop.clock.now(), 10)] == [1, 2]


def test_a_retraction_from_elsewhere_waits_for_its_event(shop: Shop) -> None:
    source = Arrivals(retraction("m2", "m1"))

    shop.worker(source).drain(10)

    assert source.verdicts() == [Verdict.LATER]


def test_what_is_refused_from_elsewhere_is_dead_with_its_reason(shop: Shop) -> None:
    shop.record(viewed("m1"))
    source = Arrivals(viewed("m1", "mug"), retraction("m2", "m1", user_id="bob"), viewed("m3"))

    shop.worker(source).drain(10)

    assert source.verdicts() == [Verdict.DEAD, Verdict.DEAD, Verdict.APPLIED]
    assert [type(outcome.error) for outcome in source.outcomes] == [ConflictError, RetractionRefusedError, type(None)]


def test_one_event_on_which_the_program_breaks_fails_no_other() -> None:
    def through(port: Any) -> Any:
        return Fragile(port) if isinstance(port, MemoryUserEmbeddingStore) else port

    shop = Shop(through=through)
    shop.record(*(searched(f"m{n}", user_id=f"user-{n}") for n in range(8)), searched("m9", user_id="breaks it"))

    report = shop.worker().drain(100)

    assert report.verdicts == Counter({Verdict.APPLIED: 8, Verdict.DEAD: 1})
    [letter] = shop.dead_letters.list(10)
    assert (letter.message_id, letter.error_type) == ("m9", "UnexpectedError")


class Fragile:
    """A store on which a write of one user fails as no store should."""

    def __init__(self, store: MemoryUserEmbeddingStore) -> None:
        self._store = store

    def write(self, writes: Sequence[StateWrite]) -> int:
        if any(write.state.user_id == "breaks it" for write in writes):
            raise ZeroDivisionError
        return self._store.write(writes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_messages_are_counted_as_others_count_them(shop: Shop) -> None:
    shop.embedder.refused = {"forbidden"}
    shop.apply(viewed("m1"), viewed("m2"), searched("m3", "forbidden"))

    processed = 'messenger_processed_messages_total{queue="user_embedding_updates"}'
    assert shop.metrics.counters[f'{processed}{{status="success"}}'] == 2
    assert shop.metrics.counters[f'{processed}{{status="failed"}}'] == 1
    assert len(shop.metrics.observations['messenger_processing_time_seconds{queue="user_embedding_updates"}']) == 3


def test_freshness_is_that_of_the_first_time(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2", "unheard"))
    shop.clock.advance(timedelta(seconds=3))
    shop.work()
    shop.clock.advance(timedelta(hours=1))
    shop.replay(LogFilter())
    shop.work()

    assert list(shop.metrics.observations['penchant_freshness_seconds{queue="user_embedding_updates"}']) == [3.0]


def test_what_a_worker_holds_is_shown_by_when_its_oldest_was_recorded_until_it_is_settled(shop: Shop) -> None:
    recorded_at = shop.clock.now()
    shop.record(viewed("m1"))
    shop.clock.advance(timedelta(seconds=60))
    shop.record(viewed("m2"))
    work = shop.worker()
    received = shop.source().receive(10)
    shown = []
    for batch in (received, received, []):
        shop.clock.advance(timedelta(seconds=60))
        work.apply(batch)
        shown.append(shop.metrics.gauges['penchant_oldest_delivery_timestamp_seconds{queue="user_embedding_updates"}'])

    assert shown == [recorded_at.timestamp(), recorded_at.timestamp(), 0.0]


def test_what_is_put_off_without_an_outage_counts_as_no_attempt(shop: Shop) -> None:
    shop.record(viewed("m1"))

    def put_off(deliveries: Sequence[Delivery]) -> UpdateReport:
        error = TransientError("It is too early.")
        outcomes = [Settled(delivery=one, verdict=Verdict.NOT_TRIED, error=error) for one in deliveries]
        return UpdateReport(outcomes=outcomes, rebuilt={})

    work = Work(
        source=shop.source(),
        apply=put_off,
        record=shop.record_events,
        clock=shop.clock,
        metrics=shop.metrics,
        on_outage=OnOutage.RETRY,
    )

    assert work.batch(10).verdicts == {Verdict.NOT_TRIED: 1}
