"""Events as columns, whatever order they come in."""

import itertools
from datetime import timedelta

import numpy as np

from application.collect_events import CollectEvents
from domain.event_columns import NEVER_RETRACTED_US, TYPES, EventColumns
from domain.instant import to_microseconds
from domain.interaction import Event, EventType
from tests.builders import NOW, bought, retraction, searched, viewed

EVENTS: tuple[Event, ...] = (
    bought("m1", "pot", age_days=9),
    viewed("m2", "cup", "bob", age_days=8),
    searched("m3", " green   tea", age_days=7),
    searched("m4", "black tea", "bob", age_days=7),
    retraction("m5", "m1"),
)


def _columns(*events: Event) -> EventColumns:
    collected = CollectEvents()
    for event in events:
        collected.add(event, 1)
    return collected.columns()


def _rows(columns: EventColumns) -> list[tuple[str, str, str, int, int]]:
    names = columns.product_ids + columns.phrases
    return [
        (columns.user_ids[user], names[subject], TYPES[number], time_us, retracted_us)
        for user, subject, number, time_us, retracted_us in zip(
            columns.users, columns.subjects, columns.types, columns.times_us, columns.retracted_us, strict=True
        )
    ]


def _us(age_days: float) -> int:
    return to_microseconds(NOW - timedelta(days=age_days))


def test_each_interaction_becomes_a_row_in_the_order_of_time() -> None:
    assert _rows(_columns(*EVENTS)) == [
        ("ann", "pot", EventType.PURCHASE, _us(9), _us(0)),
        ("bob", "cup", EventType.VIEW, _us(8), NEVER_RETRACTED_US),
        ("ann", "green tea", EventType.SEARCH, _us(7), NEVER_RETRACTED_US),
        ("bob", "black tea", EventType.SEARCH, _us(7), NEVER_RETRACTED_US),
    ]


def test_the_order_in_which_they_come_does_not_show() -> None:
    expected = _columns(*EVENTS)

    for order in itertools.permutations(EVENTS):
        columns = _columns(*order)
        assert _rows(columns) == _rows(expected)
        assert (columns.product_ids, columns.phrases) == (("cup", "pot"), ("black tea", "green tea"))


def test_a_message_id_that_comes_again_changes_nothing() -> None:
    assert _rows(_columns(bought("m1", "pot"), bought("m1", "cup"))) == _rows(_columns(bought("m1", "pot")))[:1]


def test_who_did_nothing_that_counts_has_no_name() -> None:
    columns = _columns(
        bought("m1", "pot"), searched("m1", "tea", "bob"), bought("m1", "cup"), retraction("m2", "m1", "cid")
    )

    assert (columns.user_ids, columns.product_ids, columns.phrases) == (("ann",), ("pot",), ())


def test_of_several_retractions_the_earliest_counts_whatever_comes_first() -> None:
    ages_days = {"m2": 3, "m3": 5, "m4": 4}
    taken_back = [retraction(name, "m1", occurred_at=NOW - timedelta(days=age)) for name, age in ages_days.items()]

    for some in itertools.permutations([bought("m0", "cup", age_days=8), bought("m1", age_days=9), *taken_back]):
        assert _columns(*some).retracted_us.tolist() == [_us(5), NEVER_RETRACTED_US]


def test_nobody_takes_back_what_another_user_did() -> None:
    columns = _columns(bought("m1", "pot"), retraction("m2", "m1", user_id="bob"), retraction("m3", "nothing"))

    assert columns.retracted_us.tolist() == [NEVER_RETRACTED_US]


def test_nothing_at_all_is_no_row() -> None:
    assert len(_columns()) == 0
    assert len(_columns(retraction("m2", "m1"))) == 0


def test_what_was_known_at_a_moment_is_what_lies_before_it_and_was_not_taken_back_by_then() -> None:
    columns = _columns(*EVENTS)

    assert [row[1] for row in _rows(columns.until(_us(7)))] == ["pot", "cup"]
    assert columns.until(_us(7)).retracted_us.tolist() == [NEVER_RETRACTED_US] * 2
    assert [row[1] for row in _rows(columns.until(_us(-1)))] == ["cup", "green tea", "black tea"]
    assert [row[1] for row in _rows(columns.since(_us(8)))] == ["cup", "green tea", "black tea"]
    assert len(columns.since(_us(9))) == 3  # the pot was taken back later


def test_the_moment_of_a_share_has_no_more_than_that_before_it() -> None:
    columns = _columns(*(bought(f"m{number}", age_days=10 - number // 2) for number in range(10)))

    for share in (0.1, 0.5, 0.79, 0.8, 0.99):
        before = np.count_nonzero(columns.times_us < columns.time_of_share(share))
        assert share - 0.2 <= before / 10 <= share
