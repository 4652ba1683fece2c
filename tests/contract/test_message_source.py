"""What every message source promises."""

from collections.abc import Mapping
from datetime import timedelta

from application.ports.message_source import Delivery
from domain.errors import UnavailableError
from tests.builders import bought, retraction, searched
from tests.contract.adapters import RETRY, SourceSide
from tests.contract.receiving import applied, dead, ids, later, not_tried, received, still_coming
from tests.services.waiting import wait_until

LONG = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
DEADLINE_SECONDS = 20


def _received(side: SourceSide, count: int) -> list[Delivery]:
    deliveries = received(side.source, count, side.patience_seconds)
    assert len(deliveries) == count
    return [delivery for delivery in deliveries if isinstance(delivery, Delivery)]


def _due(side: SourceSide) -> list[str]:
    return ids(side.source.receive(100))


def _dead(side: SourceSide, expected: Mapping[str, str]) -> bool:
    return bool(wait_until(lambda: side.dead() == expected, DEADLINE_SECONDS, f"dead letters {expected}"))


def test_deliveries_are_the_logged_events_oldest_first(any_source: SourceSide) -> None:
    logged = any_source.send([bought("m2", properties={"a": "🧁"}), searched("m1"), retraction("m3", "m2")])

    deliveries = _received(any_source, 3)

    assert [delivery.logged for delivery in deliveries] == list(logged)
    assert [(delivery.attempts, delivery.first_failed_at) for delivery in deliveries] == [(0, None)] * 3


def test_nothing_comes_where_nothing_was_sent(any_source: SourceSide) -> None:
    assert _due(any_source) == []
    assert still_coming(any_source) == []


def test_no_more_come_than_were_asked_for(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    first = _received(any_source, 2)
    any_source.source.settle(applied(first))

    assert ids(first) == ["m1", "m2"]
    assert ids(any_source.source.receive(1, any_source.patience_seconds)) == ["m3"]


def test_what_is_applied_never_comes_again(any_source: SourceSide) -> None:
    any_source.send([searched("m1")])

    any_source.source.settle(applied(_received(any_source, 1)))
    any_source.lose_consumer()
    any_source.wait(LONG)

    assert still_coming(any_source) == []
    assert any_source.dead() == {}


def test_what_was_not_settled_comes_again_when_the_consumer_is_gone(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    _, second, _ = _received(any_source, 3)
    any_source.source.settle(applied([second]))

    any_source.lose_consumer()

    assert still_coming(any_source) == ["m1", "m3"]


def test_what_was_not_settled_comes_again_after_a_source_was_closed(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    first, _ = _received(any_source, 2)
    any_source.source.settle(applied([first]))

    any_source.source.close()

    assert sorted(still_coming(any_source)) == ["m2", "m3"]


def test_every_delivery_has_a_tag_of_its_own(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, second = _received(any_source, 2)
    assert first.tag != second.tag

    any_source.source.settle(applied([first]))
    any_source.lose_consumer()

    assert still_coming(any_source) == ["m2"]


def test_what_failed_for_now_comes_again_with_one_attempt_more(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, second = _received(any_source, 2)

    any_source.source.settle([*later([first]), *applied([second])])
    any_source.wait(LONG)

    [again] = _received(any_source, 1)
    assert (again.logged, again.attempts) == (first.logged, 1)
    assert any_source.dead() == {}


def test_what_nobody_could_try_comes_again_without_being_counted(any_source: SourceSide) -> None:
    any_source.send([searched("m1")])

    for _ in range(RETRY.max_retries + 2):
        [delivery] = _received(any_source, 1)
        assert (delivery.attempts, delivery.first_failed_at) == (0, None)
        any_source.source.settle(not_tried([delivery], UnavailableError("The store is away.")))
        any_source.wait(LONG)

    assert ids(_received(any_source, 1)) == ["m1"]
    assert any_source.dead() == {}


def test_what_can_never_be_applied_is_dead_with_its_reason_and_comes_no_more(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2"), searched("m3")])
    first, second, third = _received(any_source, 3)

    any_source.source.settle([*dead([first], "reason one"), *applied([second]), *dead([third], "reason three")])
    any_source.lose_consumer()
    any_source.wait(LONG)

    assert _dead(any_source, {"m1": "reason one", "m3": "reason three"})
    assert still_coming(any_source) == []


def test_settling_twice_is_harmless(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, _ = _received(any_source, 2)

    any_source.source.settle(applied([first]))
    any_source.source.settle(applied([first]))
    any_source.lose_consumer()

    assert still_coming(any_source) == ["m2"]


def test_settling_what_was_received_before_a_reconnection_settles_nothing_else(any_source: SourceSide) -> None:
    any_source.send([searched("m1"), searched("m2")])
    first, second = _received(any_source, 2)
    any_source.source.settle(applied([first]))
    any_source.lose_consumer()
    any_source.send([searched("m3")])
    _received(any_source, 2)

    any_source.source.settle(applied([second]))
    any_source.lose_consumer()

    assert "m3" in still_coming(any_source)


def test_settling_nothing_is_harmless(any_source: SourceSide) -> None:
    any_source.send([searched("m1")])

    any_source.source.settle([])

    assert ids(_received(any_source, 1)) == ["m1"]


def test_a_retry_waits_for_its_delay_and_not_longer(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    retrying_source.source.settle(later(retrying_source.source.receive(10)))

    retrying_source.wait(timedelta(milliseconds=RETRY.delays_ms[0]) - MICROSECOND)
    assert _due(retrying_source) == []
    retrying_source.wait(MICROSECOND)
    assert _due(retrying_source) == ["m1"]


def test_each_retry_waits_twice_as_long_until_the_event_is_dead(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])

    for retry in range(RETRY.max_retries):
        [delivery] = retrying_source.source.receive(10)
        assert delivery.attempts == retry
        retrying_source.source.settle(later([delivery]))
        retrying_source.wait(timedelta(milliseconds=RETRY.delays_ms[retry]) - MICROSECOND)
        assert _due(retrying_source) == []
        retrying_source.wait(MICROSECOND)
    assert retrying_source.dead() == {}

    retrying_source.source.settle(later(retrying_source.source.receive(10), "still away"))
    retrying_source.wait(LONG)

    assert _due(retrying_source) == []
    assert _dead(retrying_source, {"m1": "still away"})


def test_retries_of_one_batch_wait_each_by_its_own_count(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    retrying_source.source.settle(later(retrying_source.source.receive(10)))
    retrying_source.wait(timedelta(milliseconds=RETRY.delays_ms[0]))
    retrying_source.send([searched("m2"), searched("m3")])

    retrying_source.source.settle(later(retrying_source.source.receive(10)))

    retrying_source.wait(timedelta(milliseconds=RETRY.delays_ms[0]))
    soon = retrying_source.source.receive(10)
    assert ids(soon) == ["m2", "m3"]
    retrying_source.source.settle(applied(soon))
    retrying_source.wait(timedelta(milliseconds=RETRY.delays_ms[0]))
    assert _due(retrying_source) == ["m1"]


def test_what_waits_for_its_retry_holds_nothing_else_up(retrying_source: SourceSide) -> None:
    retrying_source.send([searched(f"m{number}") for number in range(1_200)])
    first = retrying_source.source.receive(1_000)
    assert len(first) == 1_000

    retrying_source.source.settle(later(first))

    assert _due(retrying_source) == [f"m{number}" for number in range(1_000, 1_100)]


def test_what_nobody_could_try_waits_for_as_long_as_was_asked(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    asked = timedelta(seconds=3)

    pause = UnavailableError("The service asks for a pause.", retry_after_seconds=asked.total_seconds())
    retrying_source.source.settle(not_tried(retrying_source.source.receive(10), pause))

    retrying_source.wait(asked - MICROSECOND)
    assert _due(retrying_source) == []
    retrying_source.wait(asked)
    assert _due(retrying_source) == ["m1"]


def test_a_delivery_remembers_when_it_failed_first(retrying_source: SourceSide) -> None:
    retrying_source.send([searched("m1")])
    failed_at = []
    for _ in range(2):
        [delivery] = retrying_source.source.receive(10)
        failed_at.append(delivery.first_failed_at)
        retrying_source.source.settle(later([delivery]))
        retrying_source.wait(LONG)

    [delivery] = retrying_source.source.receive(10)
    assert failed_at[0] is None
    assert failed_at[1] is not None
    assert delivery.first_failed_at == failed_at[1]
