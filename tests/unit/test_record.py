from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from application.event_message import Submission
from application.record import ATTEMPTS, MAX_AHEAD, RecordStatus
from domain.errors import ConflictError, InvalidValueError, RetractionRefusedError, TransientError
from domain.interaction import Event
from tests.builders import NOW, bought, retraction, searched, viewed
from tests.interleaving import Actor
from tests.shop import Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def _recorded(shop: Shop) -> list[tuple[str, int]]:
    """The message ids and positions in the outbox, in order: what this recorded, and sent on its way."""
    return [(row.logged.event.message_id, row.logged.position) for row in shop.outbox.due(shop.clock.now(), 100)]


def test_a_recorded_event_is_in_the_log_and_in_the_outbox(shop: Shop) -> None:
    [receipt] = shop.record(viewed("m1"))

    assert receipt.status is RecordStatus.RECORDED
    assert receipt.logged == shop.log.find(["m1"])["m1"]
    assert receipt.logged.recorded_at == NOW
    assert _recorded(shop) == [("m1", 1)]


def test_each_user_has_positions_of_its_own(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2", user_id="bob"), viewed("m3"))

    assert _recorded(shop) == [("m1", 1), ("m2", 1), ("m3", 2)]


@pytest.mark.parametrize(
    "event", [viewed("m1"), searched("m1"), retraction("m1", "m0")], ids=["view", "search", "taken back"]
)
def test_a_repeat_changes_nothing_and_answers_with_the_first(shop: Shop, event: Event) -> None:
    shop.record(viewed("m0"))
    [first] = shop.record(event)

    [again] = shop.record(event)

    assert (again.status, again.logged) == (RecordStatus.REPEATED, first.logged)
    assert shop.log.count() == 2


def test_a_repeat_within_a_batch_changes_nothing(shop: Shop) -> None:
    first, again = shop.record(viewed("m1"), viewed("m1"))

    assert (first.status, again.status) == (RecordStatus.RECORDED, RecordStatus.REPEATED)
    assert first.logged == again.logged
    assert _recorded(shop) == [("m1", 1)]


@pytest.mark.parametrize(
    "other",
    [
        viewed("m1", "mug"),
        viewed("m1", user_id="bob"),
        viewed("m1", age_days=1),
        bought("m1"),
        searched("m1"),
        evolve(viewed("m1"), properties={"a": 1}),
        evolve(viewed("m1"), user_session="s1"),
        retraction("m1", "m0"),
    ],
    ids=["product", "user", "time", "type", "subject", "properties", "session", "kind"],
)
def test_the_same_message_id_with_other_content_is_a_conflict(shop: Shop, other: Event) -> None:
    shop.record(viewed("m0"), viewed("m1"))

    [receipt] = shop.record(other)

    assert receipt.status is RecordStatus.REFUSED
    assert isinstance(receipt.error, ConflictError)
    assert shop.log.count() == 2


def test_a_conflict_within_a_batch_refuses_the_second(shop: Shop) -> None:
    first, second = shop.record(viewed("m1", "tea"), viewed("m1", "mug"))

    assert (first.status, second.status) == (RecordStatus.RECORDED, RecordStatus.REFUSED)
    assert isinstance(second.error, ConflictError)


def test_a_time_that_was_filled_in_is_no_conflict(shop: Shop) -> None:
    shop.record(viewed("m1", age_days=2))

    [receipt] = shop.record_events([Submission(event=viewed("m1"), time_given=False)])

    assert receipt.status is RecordStatus.REPEATED
    assert receipt.logged.event == viewed("m1", age_days=2)


@pytest.mark.parametrize(
    "refused",
    [
        retraction("m9", "unheard of"),
        retraction("m9", "m1", user_id="bob"),
        retraction("m9", "m2"),
        retraction("m9", "m9"),
    ],
    ids=["unknown event", "another user's event", "a retraction", "itself"],
)
def test_a_retraction_is_refused_unless_it_names_an_interaction_of_its_user(shop: Shop, refused: Event) -> None:
    shop.record(viewed("m1"), viewed("b1", user_id="bob"), retraction("m2", "m1"))

    [receipt] = shop.record(refused)

    assert receipt.status is RecordStatus.REFUSED
    assert isinstance(receipt.error, RetractionRefusedError)
    assert shop.log.count() == 3


def test_an_event_may_be_taken_back_in_the_batch_that_records_it(shop: Shop) -> None:
    shop.record(viewed("m1"), retraction("m2", "m1"))

    assert _recorded(shop) == [("m1", 1), ("m2", 2)]


def test_a_retraction_does_not_see_an_event_that_comes_after_it(shop: Shop) -> None:
    early, target = shop.record(retraction("m2", "m1"), viewed("m1"))

    assert (early.status, target.status) == (RecordStatus.REFUSED, RecordStatus.RECORDED)


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_second_retraction_is_a_repeat_of_the_first(shop: Shop, in_one_batch: bool) -> None:
    shop.record(viewed("m1"))
    first, second = retraction("m2", "m1"), retraction("m3", "m1")

    receipts = shop.record(first, second) if in_one_batch else [*shop.record(first), *shop.record(second)]

    assert [receipt.status for receipt in receipts] == [RecordStatus.RECORDED, RecordStatus.REPEATED]
    assert receipts[0].logged == receipts[1].logged
    assert shop.log.find(["m3"]) == {}


def test_a_refused_event_leaves_its_neighbours(shop: Shop) -> None:
    statuses = [receipt.status for receipt in shop.record(viewed("m1"), retraction("m2", "nothing"), viewed("m3"))]

    assert statuses == [RecordStatus.RECORDED, RecordStatus.REFUSED, RecordStatus.RECORDED]
    assert _recorded(shop) == [("m1", 1), ("m3", 2)]


def test_an_event_more_than_five_minutes_ahead_is_refused(shop: Shop) -> None:
    too_far = evolve(viewed("m1"), occurred_at=NOW + MAX_AHEAD + timedelta(microseconds=1))

    ahead, late = shop.record(evolve(viewed("m2"), occurred_at=NOW + MAX_AHEAD), too_far)

    assert timedelta(minutes=5) == MAX_AHEAD
    assert ahead.status is RecordStatus.RECORDED
    assert isinstance(late.error, InvalidValueError)
    assert (late.error.field, late.error.remedy) == ("occurred_at", "set the sender's clock")


def test_recording_nothing_is_fine(shop: Shop) -> None:
    assert list(shop.record()) == []


def test_a_recorder_that_was_overtaken_checks_again(shop: Shop, another: Another) -> None:
    other = another(lambda it: it.record(viewed("m1"), viewed("m2")))
    other.run_to("MemoryEventLog.transaction.commit")
    shop.record(viewed("m1"))

    assert [receipt.status for receipt in other.run()] == [RecordStatus.REPEATED, RecordStatus.RECORDED]
    assert _recorded(shop) == [("m1", 1), ("m2", 2)]


@pytest.mark.parametrize("after_the_commit", [True, False])
def test_a_recorder_that_dies_has_recorded_all_or_nothing(shop: Shop, another: Another, after_the_commit: bool) -> None:
    other = another(lambda it: it.record(viewed("m1"), viewed("m2", user_id="bob")))
    other.run_to("MemoryEventLog.transaction.commit")

    other.kill(after_call=after_the_commit)

    assert _recorded(shop) == ([("m1", 1), ("m2", 1)] if after_the_commit else [])


def test_a_recorder_that_is_always_overtaken_gives_up_for_now(shop: Shop, another: Another) -> None:
    other = another(lambda it: it.record(viewed("late")))
    for attempt in range(ATTEMPTS):
        other.run_to("MemoryEventLog.transaction.commit")
        shop.record(viewed(f"m{attempt}"))
        other.step()

    with pytest.raises(TransientError, match="too busy to record 1 event"):
        other.run()
    assert shop.log.find(["late"]) == {}


def test_a_repeat_is_accepted_by_a_clock_for_which_it_is_in_the_future(shop: Shop) -> None:
    event = viewed("m1", age_days=-MAX_AHEAD.total_seconds() / 86_400)
    shop.record(event)
    shop.clock.advance(-timedelta(minutes=2))

    [receipt] = shop.record(event)

    assert receipt.status is RecordStatus.REPEATED
