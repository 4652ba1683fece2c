"""What `penchant doctor` says about the SQLite file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from adapters.sql.database import Database
from application.ports.examinable import Finding, Health
from domain.errors import PenchantError

PART = "SQLite"
OLDEST = (3, 35, 0)
"""The first version with all that our statements use."""

SLOW_MS = 20.0
READS = 5


class SqliteExamination:
    """One look at a file. Changes nothing, and makes no file where there is none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def findings(self) -> Sequence[Finding]:
        """Everything that was found; only that, where the file cannot be used."""
        path = Path(self._database.address)
        if not path.exists():
            text, remedy = f"There is nothing yet at {path}.", "Run `penchant demo` or `penchant setup`."
            return [Finding(part=PART, subject="file", health=Health.OK, text=text, remedy=remedy)]
        try:
            return [self._file(path), _version(sqlite3.sqlite_version), self._latency(), self._permissions()]
        except PenchantError as error:
            return [Finding(part=PART, subject="file", health=Health.FAILED, text=str(error))]

    def _file(self, path: Path) -> Finding:
        with self._database.reading() as connection:
            mode: str = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        text = f"{path} has {path.stat().st_size / 1e6:.1f} MB."
        if mode == "wal":
            return Finding(part=PART, subject="file", health=Health.OK, text=text)
        text += f" Its journal is of the kind {mode}, so readers and writers hold each other up."
        remedy = "Put it on a local disk: network file systems do not take a write-ahead log."
        return Finding(part=PART, subject="file", health=Health.WARNING, text=text, remedy=remedy)

    def _latency(self) -> Finding:
        times_ms = []
        for _ in range(READS):
            start = perf_counter()
            with self._database.reading() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            times_ms.append(1_000 * (perf_counter() - start))
        text = f"A read takes {median(times_ms):.1f} ms."
        health = Health.OK if median(times_ms) <= SLOW_MS else Health.WARNING
        remedy = "" if health is Health.OK else "Put the file on a faster disk."
        return Finding(part=PART, subject="latency", health=health, text=text, remedy=remedy)

    def _permissions(self) -> Finding:
        try:
            with self._database.writing() as connection:
                connection.rollback()
        except PenchantError as error:
            return Finding(part=PART, subject="permissions", health=Health.FAILED, text=str(error))
        return Finding(part=PART, subject="permissions", health=Health.OK, text="This user may write it.")


def _version(text: str) -> Finding:
    oldest = ".".join(map(str, OLDEST))
    if tuple(map(int, text.split("."))) >= OLDEST:
        return Finding(part=PART, subject="version", health=Health.OK, text=f"{text}, and {oldest} is needed.")
    remedy = f"Use a Python with SQLite {oldest} or newer."
    return Finding(part=PART, subject="version", health=Health.FAILED, text=f"{text} is too old.", remedy=remedy)
