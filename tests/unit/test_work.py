from collections import Counter
from datetime import timedelta

from adapters.memory.broker import MemoryBroker
from application.ports.message_source import Verdict
from application.retry_policy import RetryPolicy
from tests.builders import searched, viewed
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
    work = shop.worker(shop.source(RetryPolicy(max_retries=2, delay_ms=1_000)))
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
