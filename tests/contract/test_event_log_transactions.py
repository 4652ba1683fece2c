"""What every event log promises about its transactions: all or nothing, and no two writers with the same thing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.memory.event_log import MemoryDatabase, MemoryEventLog
from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from domain.errors import LostRaceError
from domain.interaction import Event
from tests.builders import NOW, bought, retraction, searched
from tests.contract.adapters import LogSide, append


class _StopError(Exception):
    """What a block raises in the middle of a transaction."""


def _contents(log: EventLog, outbox: Outbox) -> tuple[int, int, int, int]:
    return log.count(), log.user_count(), log.heads_of(["ann"]).get("ann", 0), outbox.depth()


def _append_and_stop(log: EventLog, events: Sequence[Event]) -> None:
    with log.transaction() as transaction:
        transaction.append(events, NOW)
        raise _StopError


def test_what_is_appended_is_in_the_outbox_too(log: EventLog, outbox: Outbox) -> None:
    logged = append(log, [searched("m2"), searched("m1", user_id="bob"), searched("m3")])

    assert [row.logged for row in outbox.due(NOW, 10)] == list(logged)


def test_a_transaction_that_raises_leaves_nothing(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])

    with pytest.raises(_StopError):
        _append_and_stop(log, [searched("m2"), searched("m3", user_id="bob")])

    assert _contents(log, outbox) == (1, 1, 1, 1)
    assert log.find(["m2", "m3"]) == {}


def test_positions_given_in_a_transaction_that_failed_are_given_again(log: EventLog) -> None:
    with pytest.raises(_StopError):
        _append_and_stop(log, [searched("m1"), searched("m2")])

    assert [logged.position for logged in append(log, [searched("m3"), searched("m4")])] == [1, 2]


def test_a_transaction_that_only_reads_changes_nothing(log: EventLog, outbox: Outbox) -> None:
    append(log, [searched("m1")])

    with log.transaction() as transaction:
        assert set(transaction.find(["m1", "m2"])) == {"m1"}

    assert _contents(log, outbox) == (1, 1, 1, 1)


def test_a_transaction_finds_events_and_their_retractions(log: EventLog) -> None:
    kept, taken_back = append(log, [bought("m1"), retraction("m2", "m1")])

    with log.transaction() as transaction:
        assert transaction.find(["m1", "m3"]) == {"m1": kept}
        assert transaction.retractions_of(["m1", "m2", "m3"]) == {"m1": taken_back}


def test_a_transaction_finds_what_it_has_appended_itself(log: EventLog) -> None:
    with log.transaction() as transaction:
        kept, taken_back = transaction.append([bought("m1"), retraction("m2", "m1")], NOW)

        assert transaction.find(["m1", "m2"]) == {"m1": kept, "m2": taken_back}
        assert transaction.retractions_of(["m1"]) == {"m1": taken_back}


def test_nobody_else_sees_what_is_not_committed(log_side: LogSide) -> None:
    with log_side.log.transaction() as transaction:
        transaction.append([searched("m1")], NOW)

        assert log_side.elsewhere.count() == 0
        assert log_side.elsewhere.find(["m1"]) == {}

    assert log_side.elsewhere.count() == 1


@pytest.mark.parametrize(
    "second",
    [
        [searched("m1")],
        [searched("m1", user_id="bob", search_phrase="other")],
        [searched("m9", user_id="bob"), searched("m1", user_id="bob")],
        [searched("m9"), searched("m9", user_id="bob")],
    ],
    ids=["same event", "same id", "among others", "twice at once"],
)
def test_a_message_id_can_be_taken_only_once(log_side: LogSide, second: list[Event]) -> None:
    append(log_side.elsewhere, [searched("m1")])

    with pytest.raises(LostRaceError):
        append(log_side.log, second)

    assert _contents(log_side.log, log_side.outbox) == (1, 1, 1, 1)
    assert log_side.log.find(["m1", "m9"])["m1"].event == searched("m1")


@pytest.mark.parametrize(
    "second",
    [
        [retraction("m9", "m1")],
        [retraction("m8", "m2"), retraction("m9", "m2")],
    ],
    ids=["again", "twice at once"],
)
def test_an_event_can_be_retracted_only_once(log_side: LogSide, second: list[Event]) -> None:
    append(log_side.elsewhere, [bought("m1"), bought("m2"), retraction("r1", "m1")])

    with pytest.raises(LostRaceError):
        append(log_side.log, second)

    assert _contents(log_side.log, log_side.outbox) == (3, 1, 3, 3)


def test_after_a_lost_race_the_block_can_be_repeated(log_side: LogSide) -> None:
    append(log_side.elsewhere, [searched("m1")])
    with pytest.raises(LostRaceError):
        append(log_side.log, [searched("m1")])

    with log_side.log.transaction() as transaction:
        assert set(transaction.find(["m1"])) == {"m1"}
        [logged] = transaction.append([searched("m2")], NOW)

    assert logged.position == 2


def test_what_one_process_has_appended_another_goes_on_from(log_side: LogSide) -> None:
    append(log_side.log, [searched("m1"), searched("m2")])

    assert [logged.position for logged in append(log_side.elsewhere, [searched("m3")])] == [3]


def test_of_many_writers_with_one_event_only_one_records_it(log_side: LogSide) -> None:
    def record(log: EventLog) -> bool:
        while True:
            try:
                with log.transaction() as transaction:
                    if transaction.find(["m1"]):
                        return False
                    transaction.append([searched("m1")], NOW)
            except LostRaceError:
                continue
            return True

    with ThreadPoolExecutor(4) as threads:
        recorded = list(threads.map(record, [log_side.log, log_side.elsewhere] * 4))

    assert recorded.count(True) == 1
    assert _contents(log_side.log, log_side.outbox) == (1, 1, 1, 1)


def test_concurrent_writers_leave_no_gap_and_no_position_twice(log_side: LogSide) -> None:
    def append_until_won(job: tuple[EventLog, str]) -> int:
        log, message_id = job
        while True:
            try:
                return append(log, [searched(message_id)])[0].position
            except LostRaceError:
                continue

    jobs = [((log_side.log, log_side.elsewhere)[n % 2], f"m{n}") for n in range(24)]
    with ThreadPoolExecutor(4) as threads:
        positions = list(threads.map(append_until_won, jobs))

    assert sorted(positions) == list(range(1, 25))
    assert _contents(log_side.log, log_side.outbox) == (24, 1, 24, 24)


@pytest.mark.parametrize("overtaken_after_the_append", [True, False])
def test_in_memory_a_transaction_loses_to_whoever_committed_since_it_began(overtaken_after_the_append: bool) -> None:
    log = MemoryEventLog(MemoryDatabase())

    def be_overtaken() -> None:
        with log.transaction() as transaction:
            if overtaken_after_the_append:
                transaction.append([searched("m2")], NOW)
            append(log, [searched("m1", user_id="bob")])
            if not overtaken_after_the_append:
                transaction.find(["m1"])

    with pytest.raises(LostRaceError):
        be_overtaken()
    assert set(log.find(["m1", "m2"])) == {"m1"}
