"""Daily counts: how many events of each type a user has on each day (UTC), in a SQLite file."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path

from attrs import frozen

from application.ports.examinable import Finding, Health
from domain.applied_positions import AppliedPositions
from domain.errors import InvalidValueError, UnavailableError
from domain.interaction import Interaction

TABLES = """
CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, position INT NOT NULL, missing TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counts
    (user_id TEXT, day TEXT, event_type TEXT, events INT, PRIMARY KEY (user_id, day, event_type)) STRICT;
"""


@frozen
class DailyCounts:
    """A projection, and what it needs."""

    path: Path

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")  # one writer at a time: this is the lock
            yield Transaction(connection)
            connection.execute("COMMIT")

    def applied(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        with self._open() as connection:
            return Transaction(connection).lock(user_ids)

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        with self._open() as connection:
            first = "SELECT user_id FROM users WHERE user_id > ? ORDER BY user_id LIMIT ?"
            return [row[0] for row in connection.execute(first, (after if after is not None else "", limit))]

    def install(self) -> Sequence[str]:
        return []  # the file and its tables are made by whoever opens it first

    def require(self) -> None:
        self.user_ids(None, 1)

    def examine(self) -> Sequence[Finding]:
        self.require()
        return [Finding(part="Daily counts", subject="file", health=Health.OK, text=f"They are in {self.path}.")]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
                yield connection.executescript(TABLES).connection
        except sqlite3.Error as error:
            raise UnavailableError(f"The daily counts in {self.path} cannot be used: {error}.") from error


@frozen
class Transaction:
    """Counts and positions change together, or not at all."""

    connection: sqlite3.Connection

    def lock(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        select = "SELECT user_id, position, missing FROM users WHERE user_id = ?"
        rows = [row for user_id in user_ids for row in self.connection.execute(select, (user_id,))]
        return {user_id: _positions(position, missing) for user_id, position, missing in rows}

    def forget(self, user_ids: Collection[str]) -> None:
        self.connection.executemany("DELETE FROM counts WHERE user_id = ?", [(user_id,) for user_id in user_ids])
        self.connection.executemany("DELETE FROM users WHERE user_id = ?", [(user_id,) for user_id in user_ids])

    def add(self, interactions: Sequence[Interaction]) -> None:
        rows = [(i.user_id, i.occurred_at.astimezone(UTC).date().isoformat(), i.event_type) for i in interactions]
        upsert = "INSERT INTO counts VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET events = events + 1"
        self.connection.executemany(upsert, rows)

    def mark(self, applied: Mapping[str, AppliedPositions]) -> None:
        rows = [(user_id, at.position, json.dumps(at.missing)) for user_id, at in applied.items()]
        self.connection.executemany("INSERT OR REPLACE INTO users VALUES (?, ?, ?)", rows)


def _positions(position: int, missing: str) -> AppliedPositions | None:
    """None where somebody has written what makes no sense: the user is then read from the log."""
    try:
        return AppliedPositions(position, json.loads(missing))
    except (TypeError, ValueError, InvalidValueError):
        return None
