"""Several relays at once on a real MySQL divide the outbox, and hold nobody up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from adapters.sql.database import Database
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from domain.errors import UnavailableError
from tests.builders import NOW, searched
from tests.integration.mysql_tables import append, opened
from tests.services import MysqlServer

RELAYS = 3


@pytest.fixture
def databases(mysql_url: str) -> Iterator[list[Database]]:
    with opened(mysql_url, RELAYS) as databases:
        yield databases


def _record(database: Database, count: int) -> list[str]:
    message_ids = [f"m{n:05d}" for n in range(count)]
    append(SqlEventLog(database), [searched(message_id) for message_id in message_ids])
    return message_ids


def _handed_over(database: Database, limit: int) -> list[str]:
    with SqlOutbox(database).handing_over(NOW, limit) as deliveries:
        return [delivery.logged.event.message_id for delivery in deliveries]


def test_a_second_relay_gets_the_rows_after_those_that_the_first_one_holds(databases: list[Database]) -> None:
    message_ids = _record(databases[0], 5)

    with SqlOutbox(databases[0]).handing_over(NOW, 3) as deliveries:
        second = _handed_over(databases[1], 10)

    assert [delivery.logged.event.message_id for delivery in deliveries] == message_ids[:3]
    assert second == message_ids[3:]
    assert SqlOutbox(databases[0]).depth() == 0


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_a_relay_ends_while_another_one_holds_the_rows_beside_its_own(
    databases: list[Database], first_to_end: int
) -> None:
    _record(databases[0], 6)

    with ExitStack() as last_to_end:
        with ExitStack() as first:
            for relay in (0, 1):
                held = SqlOutbox(databases[relay]).handing_over(NOW, 2)
                (first if relay == first_to_end else last_to_end).enter_context(held)
        assert SqlOutbox(databases[2]).depth() == 4

    assert SqlOutbox(databases[2]).depth() == 2


def test_a_worker_without_a_broker_settles_its_rows_while_a_recorder_has_not_committed(
    databases: list[Database],
) -> None:
    _record(databases[0], 4)
    outbox = SqlOutbox(databases[0])
    ids = [delivery.tag for delivery in outbox.due(NOW, 10)]

    with SqlEventLog(databases[1]).transaction() as transaction:
        transaction.append([searched("later", user_id="bob")], NOW)
        outbox.delete(ids[:2])
        outbox.postpone(ids[2:3], NOW, NOW)
        outbox.delete(ids[3:])

    assert _handed_over(databases[0], 10) == ["m00002", "later"]


def test_relays_at_once_hand_over_each_row_once(databases: list[Database]) -> None:
    message_ids = _record(databases[0], 3_000)

    def relay(database: Database) -> list[str]:
        moved: list[str] = []
        while SqlOutbox(database).depth():
            moved += _handed_over(database, 70)
        return moved

    with ThreadPoolExecutor(RELAYS) as threads:
        moved = [message_id for part in threads.map(relay, databases) for message_id in part]

    assert sorted(moved) == message_ids


def test_recorders_go_on_while_a_relay_holds_all_rows(databases: list[Database]) -> None:
    _record(databases[0], 100)

    with SqlOutbox(databases[0]).handing_over(NOW, 1_000) as deliveries:
        append(SqlEventLog(databases[1]), [searched("later"), searched("other", user_id="bob")])

    assert len(deliveries) == 100
    assert _handed_over(databases[1], 10) == ["later", "other"]


def test_rows_of_a_relay_that_dies_go_to_another_one(databases: list[Database], mysql_server: MysqlServer) -> None:
    message_ids = _record(databases[0], 3)

    with pytest.raises(UnavailableError), SqlOutbox(databases[0]).handing_over(NOW, 10):
        _kill_whoever_holds_locks(mysql_server)

    assert _handed_over(databases[1], 10) == message_ids


def test_a_row_whose_event_is_gone_from_the_log_stands_in_nobodys_way(databases: list[Database]) -> None:
    message_ids = _record(databases[0], 4)
    with databases[0].writing() as connection:
        connection.exec_driver_sql("DELETE FROM user_interactions WHERE position <= 2")

    handed_over = [_handed_over(databases[0], 2), _handed_over(databases[0], 2)]

    assert handed_over == [[], message_ids[2:]]
    assert SqlOutbox(databases[0]).depth() == 0


def _kill_whoever_holds_locks(server: MysqlServer) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_rows_locked > 0")
        for (number,) in cursor.fetchall():
            cursor.execute("KILL %s", (number,))
