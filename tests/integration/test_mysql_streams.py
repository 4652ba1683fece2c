"""Long reads from a real MySQL that end before their end: no traceback is printed, and the next read works."""

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from adapters.sql.database import Database
from adapters.sql.event_log import PAGE, SqlEventLog
from domain.errors import UnavailableError
from domain.interaction import LoggedEvent
from tests.builders import searched
from tests.integration.mysql_tables import append, opened
from tests.services import MysqlServer

EVENTS = 10 * PAGE
PHRASE = "x" * 900
"""So that far more is to come than the buffers between server and reader hold."""


@pytest.fixture
def database(mysql_url: str) -> Iterator[Database]:
    with opened(mysql_url) as [writing]:
        for start in range(0, EVENTS, PAGE):
            append(SqlEventLog(writing), [searched(f"m{n}", PHRASE) for n in range(start, start + PAGE)])
    with opened(mysql_url + "?read_timeout=1") as [database]:
        yield database


@contextmanager
def nothing_printed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if something is logged as an error in the block, or raised where nobody could catch it."""
    raised: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda lost: raised.append(f"{lost.exc_value!r} in {lost.object!r}")
    try:
        with caplog.at_level(logging.WARNING):
            yield
            gc.collect()
    finally:
        sys.unraisablehook = before
    assert raised == []
    assert caplog.messages == []


@contextmanager
def given_up(log: SqlEventLog, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A read whose first page has come before the block, and which is given up after it, silently."""
    with nothing_printed(caplog):
        history = log.history(["ann"])
        next(history)
        yield
        del history


def read_on(history: Iterator[Sequence[LoggedEvent]]) -> None:
    """Read to the end, which must fail."""
    with pytest.raises(UnavailableError, match="DATABASE_URL"):
        list(history)


@pytest.mark.parametrize("happens", [MysqlServer.kill, MysqlServer.pause, MysqlServer.stop])
def test_a_server_that_goes_away_in_the_middle_of_a_read_is_one_error(
    database: Database,
    mysql_server: MysqlServer,
    caplog: pytest.LogCaptureFixture,
    happens: Callable[[MysqlServer], None],
) -> None:
    log = SqlEventLog(database)
    with nothing_printed(caplog):
        history = log.history(["ann"])
        next(history)
        happens(mysql_server)
        try:
            read_on(history)
        finally:
            mysql_server.start()
        del history

    with suppress(UnavailableError):  # on a connection that died with the server
        log.count()
    assert log.count() == EVENTS


def test_a_read_that_is_given_up_because_the_server_is_gone_ends_silently(
    database: Database, mysql_server: MysqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    log = SqlEventLog(database)
    with given_up(log, caplog):
        mysql_server.kill()
        with pytest.raises(UnavailableError):
            log.count()
    mysql_server.start()

    assert log.count() == EVENTS


def test_a_read_that_is_given_up_does_not_read_the_rest(
    database: Database, mysql_server: MysqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    log = SqlEventLog(database)
    with given_up(log, caplog):
        mysql_server.pause()  # so that to read the rest would end in a time-out
    mysql_server.resume()

    assert log.count() == EVENTS
