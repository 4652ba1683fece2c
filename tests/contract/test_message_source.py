"""What every message source promises."""

from collections.abc import Sequence
from datetime import timedelta

from application.ports.message_source import Delivery, Settled, Verdict
from domain.errors import PermanentError, TransientError
from tests.builders import bought, retraction, searched
from tests.contract.adapters import RETRY, SourceSide

LONG = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def _applied(deliveries: Sequence[Delivery]) -> list[Settled]:
    return [Settled(delivery=delivery, verdict=Verdict.APPLIED) for delivery in deliveries]


def _later(deliveries: Sequence[Delivery], text: str = "The service is away.") -> list[Settled]:
    return [Settled(delivery=d, verdict=Verdict.LATER, error=TransientError(text)) for d in deliveries]


def _dead(deliveries: Sequence[Delivery], text: str = "It never works.") -> list[Settled]:
    return [Settled(delivery=d, verdict=Verdict.DEAD, error=PermanentError(text)) for d in deliveries]


def _received(side: SourceSide, limit: int = 100) -> list[str]:
    return [delivery.logged.event.message_id for delivery in side.source.receive(limit)]


def test_deliveries_are_the_logged_events_oldest_first(any_source: SourceSide) -> None:
    logged = any_source.send([bought("m2", properties={"a": "🧁"}), searched("m1"), retraction("m3", "m2")])

    deliveries = any_source.source.receive(10)

    assert [delivery.logged for delivery in deliveries] == list(logged)
    assert [(delivery.attempts, delivery.first_failed_at) for delivery in deliveries] == [(0, None)] * 3


def test_nothing_comes_where_nothing_was_sent(any_source: SourceSide) -> None:
    assert _received(any_source) == []


def test_no_more_come_than_were_asked_for(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    first = any_source.source.receive(2)
    any_source.source.settle(_applied(first))

    assert [delivery.logged.event.message_id for delivery in first] == ["m1", "m2"]
    assert _received(any_source) == ["m3"]


def test_what_is_applied_never_comes_again(any_source: SourceSide) -> None:
    any_source.send([searched("m1")])

    any_source.source.settle(_applied(any_source.source.receive(10)))
    any_source.lose_consumer()
    any_source.wait(LONG)

    assert _received(any_source) == []
    assert any_source.dead() == {}


def test_what_was_not_settled_comes_again_when_the_consumer_is_gone(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    _, second, _ = any_source.source.receive(10)
    any_source.source.settle(_applied([second]))

    any_source.lose_consumer()

    assert _received(any_source) == ["m1", "m3"]


def test_every_delivery_has_a_tag_of_its_own(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, second = any_source.source.receive(10)
    assert first.tag != second.tag

    any_source.source.settle(_applied([first]))
    any_source.lose_consumer()

    assert _received(any_source) == ["m2"]


def test_what_failed_for_now_comes_again_with_one_attempt_more(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, second = any_source.source.receive(10)

    any_source.source.settle([*_later([first]), *_applied([second])])
    any_source.wait(LONG)

    [again] = any_source.source.receive(10)
    assert (again.logged, again.attempts) == (first.logged, 1)
    assert any_source.dead() == {}


def test_what_can_never_be_applied_is_dead_with_its_reason_and_comes_no_more(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    first, second, third = any_source.source.receive(10)

    any_source.source.settle([*_dead([first], "reason one"), *_applied([second]), *_dead([third], "reason three")])
    any_source.lose_consumer()
    any_source.wait(LONG)

    assert any_source.dead() == {"m1": "reason one", "m3": "reason three"}
    assert _received(any_source) == []


def test_settling_twice_is_harmless(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, _ = any_source.source.receive(10)

    any_source.source.settle(_applied([first]))
    any_source.source.settle(_applied([first]))
    any_source.lose_consumer()

    assert _received(any_source) == ["m2"]


def test_settling_nothing_is_harmless(any_source: SourceSide) -> None:
    any_source.send([searched("m1")])

    any_source.source.settle([])

    assert _received(any_source) == ["m1"]


def test_a_retry_waits_for_its_delay_and_not_longer(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    retrying_source.source.settle(_later(retrying_source.source.receive(10)))

    retrying_source.wait(timedelta(milliseconds=RETRY.delay_ms) - MICROSECOND)
    assert _received(retrying_source) == []
    retrying_source.wait(MICROSECOND)
    assert _received(retrying_source) == ["m1"]


def test_each_retry_waits_twice_as_long_until_the_event_is_dead(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])

    for retry in range(RETRY.max_retries):
        [delivery] = retrying_source.source.receive(10)
        assert delivery.attempts == retry
        retrying_source.source.settle(_later([delivery]))
        retrying_source.wait(timedelta(milliseconds=RETRY.delay_ms * 2**retry) - MICROSECOND)
        assert _received(retrying_source) == []
        retrying_source.wait(MICROSECOND)
    assert retrying_source.dead() == {}

    retrying_source.source.settle(_later(retrying_source.source.receive(10), "still away"))
    retrying_source.wait(LONG)

    assert _received(retrying_source) == []
    assert retrying_source.dead() == {"m1": "still away"}


def test_retries_of_one_batch_wait_each_by_its_own_count(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    retrying_source.source.settle(_later(retrying_source.source.receive(10)))
    retrying_source.wait(timedelta(milliseconds=RETRY.delay_ms))
    retrying_source.send([searched("m2"), searched("m3")])

    retrying_source.source.settle(_later(retrying_source.source.receive(10)))

    retrying_source.wait(timedelta(milliseconds=RETRY.delay_ms))
    assert _received(retrying_source) == ["m2", "m3"]
    retrying_source.wait(timedelta(milliseconds=RETRY.delay_ms))
    assert _received(retrying_source) == ["m1", "m2", "m3"]


def test_a_delivery_remembers_when_it_failed_first(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    failed_at = []
    for _ in range(2):
        [delivery] = retrying_source.source.receive(10)
        failed_at.append(delivery.first_failed_at)
        retrying_source.source.settle(_later([delivery]))
        retrying_source.wait(LONG)

    [delivery] = retrying_source.source.receive(10)
    assert failed_at[0] is None
    assert failed_at[1] is not None
    assert delivery.first_failed_at == failed_at[1]
