"""Several recorders at once on a real MySQL: no position twice, no gap, no event lost."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import pytest
import sqlalchemy as sa

from adapters.memory.system import ManualClock
from adapters.sql.database import Database
from adapters.sql.event_log import SqlEventLog, SqlLogTransaction
from adapters.sql.outbox import SqlOutbox
from application.record import RecordEvents, RecordStatus
from domain.interaction import Event
from tests.builders import NOW, bought, retraction, searched, submitted
from tests.integration.mysql_tables import append, opened, wait_for_lock_wait
from tests.services import MysqlServer

USERS = [f"user-{n}" for n in range(6)]
RECORDERS = 4
BATCHES = 12


class _CountingLog(SqlEventLog):
    """Counts how often a transaction was begun."""

    begun = 0

    @contextmanager
    def transaction(self) -> Iterator[SqlLogTransaction]:
        self.begun += 1
        with super().transaction() as transaction:
            yield transaction


@pytest.fixture
def databases(mysql_url: str) -> Iterator[list[Database]]:
    with opened(mysql_url, RECORDERS) as databases:
        yield databases


def _batches(recorder: int) -> list[list[Event]]:
    """Events of all users in any order; every third one is recorded by all recorders."""
    order = random.Random(recorder)
    batches = []
    for batch in range(BATCHES):
        common = [searched(f"common-{batch}-{user}", user_id=user) for user in USERS]
        own = [bought(f"{recorder}-{batch}-{user}-{n}", user_id=user) for user in USERS for n in range(2)]
        taken_back = [retraction(f"back-{recorder}-{batch}", own[0])]
        batches.append([*order.sample(common + own, len(common) + len(own)), *taken_back])
    return batches


def test_recorders_of_the_same_users_lose_nothing_and_count_nothing_twice(databases: list[Database]) -> None:
    def record(recorder: int) -> list[RecordStatus]:
        use_case = RecordEvents(SqlEventLog(databases[recorder]), ManualClock(NOW))
        return [receipt.status for batch in _batches(recorder) for receipt in use_case(submitted(*batch))]

    with ThreadPoolExecutor(RECORDERS) as threads:
        statuses = list(chain.from_iterable(threads.map(record, range(RECORDERS))))

    sent = {event.message_id for recorder in range(RECORDERS) for batch in _batches(recorder) for event in batch}
    log = SqlEventLog(databases[0])
    events = list(chain.from_iterable(log.history(USERS)))
    assert sorted(logged.event.message_id for logged in events) == sorted(sent)
    assert statuses.count(RecordStatus.RECORDED) == len(sent)
    assert statuses.count(RecordStatus.REPEATED) == len(statuses) - len(sent)
    for user in USERS:
        positions = [logged.position for logged in events if logged.event.user_id == user]
        assert positions == list(range(1, len(positions) + 1))
    outbox = [delivery.logged.event.message_id for delivery in SqlOutbox(databases[0]).due(NOW, 10_000)]
    assert sorted(outbox) == sorted(sent)


def test_the_victim_of_a_deadlock_is_recorded_by_a_second_transaction(
    databases: list[Database], mysql_server: MysqlServer
) -> None:
    log = _CountingLog(databases[0])
    append(log, [searched("m1", user_id="ann"), searched("m2", user_id="zoe")])
    begun_before = log.begun
    touch = sa.text("UPDATE user_heads SET position = position + 0 WHERE user_id = :user_id")
    heavy = sa.text("INSERT INTO registry (name, text) VALUES (:name, '')")

    with ThreadPoolExecutor(1) as threads:
        with databases[1].writing() as other:
            other.execute(heavy, [{"name": f"n{n}"} for n in range(500)])  # the lighter of two is the victim
            other.execute(touch, {"user_id": "zoe"})
            recorded = threads.submit(
                RecordEvents(log, ManualClock(NOW)),
                submitted(searched("m3", user_id="ann"), searched("m4", user_id="zoe")),
            )
            wait_for_lock_wait(mysql_server)
            other.execute(touch, {"user_id": "ann"})
        receipts = recorded.result()

    assert log.begun - begun_before >= 2
    assert [receipt.status for receipt in receipts] == [RecordStatus.RECORDED] * 2
    assert log.heads_of(["ann", "zoe"]) == {"ann": 2, "zoe": 2}
    assert SqlOutbox(databases[0]).depth() == 4
