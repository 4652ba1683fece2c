"""What every outbox promises."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from application.ports.event_log import EventLog
from application.ports.message_source import Delivery
from application.ports.outbox import Outbox
from tests.builders import NOW, bought, retraction, searched
from tests.contract.adapters import LogSide, append

SECOND = timedelta(seconds=1)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LONG_AFTER = datetime.max.replace(tzinfo=NOW.tzinfo)


def _due(outbox: Outbox, now: datetime = NOW) -> list[str]:
    return [row.logged.event.message_id for row in outbox.due(now, 100)]


def _ids(outbox: Outbox) -> list[int]:
    return [delivery.tag for delivery in outbox.due(LONG_AFTER, 100)]


def _messages(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.logged.event.message_id for delivery in deliveries]


def _handed_over(outbox: Outbox) -> list[str]:
    with outbox.handing_over(NOW, 100) as deliveries:
        return _messages(deliveries)


def test_rows_are_due_in_the_order_in_which_they_came(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m3"), searched("m1", user_id="bob")])
    append(log, [searched("m2")])

    assert _due(outbox) == ["m3", "m1", "m2"]


def test_a_row_brings_its_event_back_whole(log: EventLog, outbox: Outbox) -> None:
    logged = append(
        log,
        [
            bought("m1", properties={"a": [1]}, user_session="s"),
            searched("m2", search_phrase="🧁"),
            retraction("m3", "m1"),
        ],
        NOW + timedelta(microseconds=1),
    )

    assert [(row.logged, row.attempts, row.first_failed_at) for row in outbox.due(NOW, 10)] == [
        (event, 0, None) for event in logged
    ]


def test_a_row_keeps_what_its_event_belongs_to_and_the_log_does_not(log: EventLog, outbox: Outbox) -> None:
    with log.transaction() as transaction:
        first, second = transaction.append([searched("m1"), searched("m2")], NOW, [TRACE, None])
    outbox.add(log.find(["m1"]).values())

    assert (first.trace, second.trace) == (TRACE, None)
    assert [row.logged.trace for row in outbox.due(NOW, 10)] == [TRACE, None, None]
    with outbox.handing_over(NOW, 10) as deliveries:
        assert [delivery.logged.trace for delivery in deliveries] == [TRACE, None, None]


def test_no_more_rows_come_than_were_asked_for(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2"), searched("m3")])

    assert [row.logged.event.message_id for row in outbox.due(NOW, 2)] == ["m1", "m2"]


def test_reading_takes_nothing_out(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])

    assert _due(outbox) == _due(outbox) == ["m1"]
    assert outbox.depth() == 1


def test_deleted_rows_are_gone_and_the_others_stay(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2"), searched("m3")])
    first, _, third = _ids(outbox)

    outbox.delete([first, third])

    assert _due(outbox) == ["m2"]
    assert outbox.depth() == 1


def test_deleting_what_is_gone_is_no_error(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2")])
    first, _ = _ids(outbox)

    outbox.delete([first])
    outbox.delete([first, 10**9])
    outbox.delete([])

    assert _due(outbox) == ["m2"]


def test_the_id_of_a_deleted_row_is_never_given_again(log: EventLog, outbox: Outbox) -> None:
    logged = append(log, [searched("m1")])
    [first] = _ids(outbox)
    outbox.delete([first])

    outbox.add(logged)
    outbox.delete([first])

    assert _due(outbox) == ["m1"]


def test_an_event_may_have_several_rows_each_deleted_by_itself(log: EventLog, outbox: Outbox) -> None:
    logged = append(log, [searched("m1"), searched("m2")])

    outbox.add(logged)

    assert _due(outbox) == ["m1", "m2", "m1", "m2"]
    outbox.delete(_ids(outbox)[:1])
    assert _due(outbox) == ["m2", "m1", "m2"]


def test_adding_nothing_adds_nothing(outbox: Outbox) -> None:
    outbox.add([])

    assert outbox.depth() == 0


def test_a_postponed_row_is_due_again_at_its_time_and_not_a_microsecond_before(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2")])
    until = NOW + SECOND

    outbox.postpone(_ids(outbox)[:1], until, NOW)

    assert _due(outbox) == ["m2"]
    assert _due(outbox, until - timedelta(microseconds=1)) == ["m2"]
    assert _due(outbox, until) == ["m1", "m2"]
    assert outbox.depth() == 2


def test_each_postponement_counts_and_the_first_one_is_remembered(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])

    for n in range(3):
        outbox.postpone(_ids(outbox), NOW + 10 * SECOND, NOW + n * SECOND)

    [row] = outbox.due(LONG_AFTER, 10)
    assert (row.attempts, row.first_failed_at) == (3, NOW)


def test_postponing_what_is_gone_is_no_error(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2")])
    first, second = _ids(outbox)
    outbox.delete([first])

    outbox.postpone([first, second], NOW + SECOND, NOW)
    outbox.postpone([], NOW, NOW)

    assert _due(outbox, NOW + SECOND) == ["m2"]
    assert outbox.depth() == 1


def test_a_row_added_again_is_not_postponed_with_the_other(log: EventLog, outbox: Outbox) -> None:
    logged = append(log, [searched("m1")])
    outbox.postpone(_ids(outbox), NOW + SECOND, NOW)

    outbox.add(logged)

    [row] = outbox.due(NOW, 10)
    assert row.attempts == 0


def test_a_postponement_that_does_not_count_is_no_attempt(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])
    outbox.postpone(_ids(outbox), NOW, NOW)

    outbox.postpone(_ids(outbox), NOW + 2 * SECOND, NOW + SECOND, counted=False)

    assert _due(outbox, NOW + SECOND) == []
    [row] = outbox.due(NOW + 2 * SECOND, 10)
    assert (row.attempts, row.first_failed_at) == (1, NOW)


def test_what_never_failed_and_is_postponed_without_counting_has_not_failed(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])

    outbox.postpone(_ids(outbox), NOW + SECOND, NOW, counted=False)

    [row] = outbox.due(NOW + SECOND, 10)
    assert (row.attempts, row.first_failed_at) == (0, None)


def test_rows_handed_over_are_the_due_ones_and_gone_afterwards(log: EventLog, outbox: Outbox) -> None:
    logged = append(log, [searched("m1"), bought("m2", properties={"a": [1]}), searched("m3"), searched("m4")])
    outbox.postpone(_ids(outbox)[:1], NOW + SECOND, NOW)
    due = outbox.due(NOW, 2)

    with outbox.handing_over(NOW, 2) as deliveries:
        assert list(deliveries) == list(due)
        assert [delivery.logged for delivery in deliveries] == list(logged[1:3])
        assert outbox.depth() == 4

    assert _due(outbox, LONG_AFTER) == ["m1", "m4"]


class _StopError(Exception):
    """What a relay raises in the middle of handing over."""


def test_rows_stay_as_they_are_when_handing_them_over_fails(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1"), searched("m2")])
    before = outbox.due(NOW, 10)

    with pytest.raises(_StopError), outbox.handing_over(NOW, 10):
        raise _StopError

    assert list(outbox.due(NOW, 10)) == list(before)
    assert _handed_over(outbox) == ["m1", "m2"]


def test_nothing_is_handed_over_when_nothing_is_due(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])
    outbox.postpone(_ids(outbox), NOW + SECOND, NOW)

    assert _handed_over(outbox) == []
    assert outbox.depth() == 1


def test_what_is_recorded_while_others_are_handed_over_stays(log_side: LogSide) -> None:
    append(log_side.log, [searched("m1")])

    with log_side.outbox.handing_over(NOW, 10) as deliveries:
        append(log_side.elsewhere, [searched("m2"), searched("m3", user_id="bob")])

    assert _messages(deliveries) == ["m1"]
    assert _due(log_side.outbox) == ["m2", "m3"]


def test_rows_are_there_for_another_process(log_side: LogSide) -> None:
    append(log_side.elsewhere, [searched("m1")])

    assert _due(log_side.outbox) == ["m1"]
