"""The example of docs/extending.md: each event counts once there, whatever is delivered how often, in which order."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from adapters.memory.event_log import MemoryDatabase, MemoryEventLog
from adapters.memory.system import CountingMetrics, ManualClock
from application.project_events import ProjectEvents
from application.record import RecordEvents
from docs.examples.daily_counts import DailyCounts
from domain.applied_positions import AppliedPositions
from domain.errors import UnavailableError
from domain.interaction import Event, Interaction, Retraction
from tests.builders import NOW, bought, deliveries, retraction, submitted, viewed
from tests.unit.test_project_events import journeys

USERS = ["ann", "ben"]


class Side:
    """A log, and the counts in a file."""

    def __init__(self, folder: Path, *events: Event) -> None:
        self.log = MemoryEventLog(MemoryDatabase())
        self.file = folder / "daily.db"
        self.counts = DailyCounts(self.file)
        self.project = ProjectEvents(self.counts, self.log, CountingMetrics(), "events.analytics")
        self.record(*events)

    def record(self, *events: Event) -> None:
        RecordEvents(self.log, ManualClock(NOW))(submitted(*events))

    def deliver(self, *message_ids: str) -> None:
        logged = self.log.find(message_ids)
        self.project(deliveries(*(logged[message_id] for message_id in message_ids)))

    def stored(self) -> Mapping[tuple[str, str, str], int]:
        """What the file holds, asked without the example's own code."""
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute("SELECT user_id, day, event_type, events FROM counts").fetchall()
        return {tuple(ends): events for *ends, events in rows}


def _expected(events: Sequence[Event]) -> Mapping[tuple[str, str, str], int]:
    gone = {event.retracts for event in events if isinstance(event, Retraction)}
    return Counter(
        (event.user_id, event.occurred_at.astimezone(UTC).strftime("%Y-%m-%d"), event.event_type.value)
        for event in events
        if isinstance(event, Interaction) and event.message_id not in gone
    )


@given(journeys())
@settings(max_examples=30)
def test_any_order_and_any_repeats_count_what_is_not_taken_back_once(
    journey: tuple[list[Event], list[list[str]]],
) -> None:
    events, batches = journey
    with TemporaryDirectory() as folder:
        side = Side(Path(folder), *events)

        for batch in batches:
            side.deliver(*batch)

        assert side.stored() == _expected(events)
        counted = Counter(event.user_id for event in events)
        assert side.counts.applied(USERS) == {user: AppliedPositions(count) for user, count in counted.items()}


def test_counts_and_positions_stay_as_they_were_when_a_transaction_fails(tmp_path: Path) -> None:
    side = Side(tmp_path, viewed("m1"))
    side.deliver("m1")

    def fail() -> None:
        with side.counts.transaction() as transaction:
            transaction.lock(USERS)
            transaction.forget(["ann"])
            transaction.add([bought("m2", user_id="ben")])
            transaction.mark({"ben": AppliedPositions(1)})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert side.stored() == _expected([viewed("m1")])
    assert side.counts.applied(USERS) == {"ann": AppliedPositions(1)}


def test_two_who_work_at_once_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    events = [viewed(f"m{number}", user_id=USERS[number % 2]) for number in range(60)]
    side = Side(tmp_path, *events)

    def work(start: int) -> None:
        for number in range(start, 60, 2):
            side.deliver(f"m{number}", f"m{(number + 7) % 60}")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, [0, 1]))

    assert side.stored() == _expected(events)


@pytest.mark.parametrize("missing", ["[[1", "7", "[[5, 1]]", '{"a": 1}'])
def test_what_makes_no_sense_is_read_from_the_log(tmp_path: Path, missing: str) -> None:
    side = Side(tmp_path, viewed("m1"), viewed("m2"))
    side.deliver("m1", "m2")
    with closing(sqlite3.connect(side.file)) as connection, connection:
        connection.execute("UPDATE users SET missing = ?", (missing,))
        connection.execute("UPDATE counts SET events = 99")
    side.record(retraction("m3", "m1"))

    side.deliver("m3")

    assert side.stored() == _expected([viewed("m2")])


def test_a_file_that_cannot_be_opened_is_waited_for(tmp_path: Path) -> None:
    counts = DailyCounts(tmp_path / "gone" / "daily.db")

    with pytest.raises(UnavailableError, match=r"daily\.db"):
        counts.require()


def test_users_are_listed_page_by_page(tmp_path: Path) -> None:
    side = Side(tmp_path, viewed("m1"), viewed("m2", user_id="ben"))
    side.deliver("m1", "m2")

    assert side.counts.user_ids(None, 1) == ["ann"]
    assert side.counts.user_ids("ann", 5) == ["ben"]
