"""One SQL database: its engine, its two kinds of transaction, and its errors in our words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine, make_url

from domain.errors import (
    ConfigurationError,
    LostRaceError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
)

BUSY_TIMEOUT_SECONDS = 30
CACHE_KIB = 32_768
CHECKPOINT_PAGES = 8_192
"""Pages of 4 KiB after which SQLite folds its write-ahead log back: fewer, larger folds when much is written."""

_WRITES = "penchant_writes"

_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE"}
# Families: SQLite tells SQLITE_READONLY_DIRECTORY from SQLITE_READONLY_DBMOVED, we need not.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNUSABLE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


class Database:
    """A database that several adapters share.

    Parameters
    ----------
    url : as SQLAlchemy takes it.
    setting : the name of the setting that says where it is, for error texts.
    """

    def __init__(self, url: str, setting: str) -> None:
        self._address = make_url(url).render_as_string(hide_password=True)
        self._setting = setting
        self.engine: Engine = sa.create_engine(url, hide_parameters=True, pool_use_lifo=True)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _configure_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and leaves nothing when it raises.

        Raises LostRaceError when a unique key turns out to be taken, TransientError when the database cannot write now.
        """
        with self._translated(), self.engine.connect().execution_options(**{_WRITES: True}) as connection:
            yield connection
            connection.commit()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise self._error_of(error) from error

    def _error_of(self, error: exc.DBAPIError) -> PenchantError:
        name = getattr(error.orig, "sqlite_errorname", "") if isinstance(error.orig, sqlite3.Error) else ""
        where = f"the database at {self._address} ({self._setting})"
        if name in _TAKEN:
            return LostRaceError("Another transaction has taken the same key; repeat this one.")
        if name in _FULL:
            return StorageFullError(f"There is no room left for {where}, so nothing was written; free some and repeat.")
        if name.startswith(_BUSY):
            return TransientError(f"Others have kept {where} locked for {BUSY_TIMEOUT_SECONDS} s; try again.")
        if name.startswith(_UNUSABLE):
            return ConfigurationError(f"SQLite cannot use {where}: {error.orig}. Check the path and its permissions.")
        if "no such table" in str(error.orig):
            return ConfigurationError(f"The tables of {where} are missing or old; run `penchant setup`.")
        if isinstance(error, exc.OperationalError | exc.InterfaceError):
            return TransientError(f"{where[0].upper()}{where[1:]} failed: {error.orig}. Try again.")
        return PermanentError(f"{where[0].upper()}{where[1:]} refused a statement: {error.orig}.")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",  # accepted means on the disk, whatever happens to the machine
        f"cache_size = -{CACHE_KIB}",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would lose to a writer in between; so writers queue at the start.
    immediate = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
