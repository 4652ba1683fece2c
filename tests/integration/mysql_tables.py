"""Databases on a real MySQL, as processes have them open."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from adapters.sql.database import Database
from adapters.sql.event_log import SqlEventLog
from adapters.sql.schema import SqlSchema
from domain.interaction import Event, LoggedEvent
from tests.builders import NOW
from tests.services import MysqlServer, wait_until

SECONDS = 60


@contextmanager
def opened(url: str, count: int = 1) -> Iterator[list[Database]]:
    """The database with all tables, opened by `count` processes."""
    with ExitStack() as stack:
        databases = [Database(url, "DATABASE_URL") for _ in range(count)]
        for database in databases:
            stack.callback(database.dispose)
        SqlSchema(databases[0]).upgrade()
        yield databases


def append(log: SqlEventLog, events: Sequence[Event]) -> Sequence[LoggedEvent]:
    """Put events into a log, in a transaction of their own."""
    with log.transaction() as transaction:
        return transaction.append(events, NOW)


def wait_for_lock_wait(server: MysqlServer) -> None:
    """Wait until some transaction waits for a lock of another one."""
    query = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"

    def is_waiting() -> bool:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return bool(cursor.fetchone()[0])

    wait_until(is_waiting, SECONDS, "a transaction to wait for a lock")
