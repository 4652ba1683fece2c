"""What every outbox promises."""

from datetime import datetime, timedelta

from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from tests.builders import NOW, bought, retraction, searched
from tests.contract.adapters import LogSide, append

SECOND = timedelta(seconds=1)
LONG_AFTER = datetime.max.replace(tzinfo=NOW.tzinfo)


def _due(outbox: Outbox, now: datetime = NOW) -> list[str]:
    return [row.logged.event.message_id for row in outbox.due(now, 100)]


def _ids(outbox: Outbox) -> list[int]:
    return [delivery.tag for delivery in outbox.due(LONG_AFTER, 100)]


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


def test_rows_are_there_for_another_process(log_side: LogSide) -> None:
    append(log_side.elsewhere, [searched("m1")])

    assert _due(log_side.outbox) == ["m1"]
