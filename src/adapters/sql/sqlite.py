"""What is peculiar to SQLite: how a file is opened, how transactions begin, and errors in our words."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from domain.errors import (
    ConfigurationError,
    LostRaceError,
    OtherTablesError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
)

BUSY_TIMEOUT_SECONDS = 30
CACHE_KIB = 32_768
CHECKPOINT_PAGES = 8_192
"""Pages of 4 KiB after which SQLite folds its write-ahead log back: fewer, larger folds when much is written."""

WRITES = "penchant_writes"
"""The execution option of a connection whose transaction is to write."""

_TAKEN = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE"}
# Families: SQLite tells SQLITE_READONLY_DIRECTORY from SQLITE_READONLY_DBMOVED, we need not.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNUSABLE = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def configure(connection: Any, _record: Any) -> None:
    """Make a new connection what the adapters count on."""
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


def begin(connection: Connection) -> None:
    """Begin a transaction."""
    # A transaction that reads first and writes later would lose to a writer in between; so writers queue at the start.
    immediate = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def error_of(error: exc.DBAPIError, where: str) -> PenchantError:
    """A driver's error in our words. `where` is such as "the database at sqlite:///… (PENCHANT_HOME)"."""
    name = getattr(error.orig, "sqlite_errorname", "") if isinstance(error.orig, sqlite3.Error) else ""
    there = where[0].upper() + where[1:]
    if name in _TAKEN:
        return LostRaceError("Another transaction has taken the same key; repeat this one.")
    if name in _FULL:
        return StorageFullError(f"There is no room left for {where}, so nothing was written; free some and repeat.")
    if name.startswith(_BUSY):
        return TransientError(f"Others have kept {where} locked for {BUSY_TIMEOUT_SECONDS} s; try again.")
    if name.startswith(_UNUSABLE):
        return ConfigurationError(f"SQLite cannot use {where}: {error.orig}. Check the path and its permissions.")
    if "no such table" in str(error.orig):
        return OtherTablesError(f"The tables of {where} are missing or old; run `penchant setup`.")
    if name == "SQLITE_TOOBIG":
        return PermanentError(f"{there} takes no value of this size.")
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return TransientError(f"{there} failed: {error.orig}. Try again.")
    return PermanentError(f"{there} refused a statement: {error.orig}.")
