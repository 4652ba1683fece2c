"""The outbox in SQL: each row points at a row of the log."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.events import EVENT_COLUMNS, event_from
from adapters.sql.statements import in_parts, insert_columns, is_one_of
from adapters.sql.tables import outbox, user_interactions
from application.ports.message_source import Delivery
from domain.applied_positions import as_ranges
from domain.interaction import LoggedEvent

_DELETE_ON_MYSQL = sa.text("DELETE FROM outbox WHERE id BETWEEN :first AND :last ORDER BY id LIMIT :count")
"""Locks these rows and no other. Without the limit it would lock the row behind them too, and a list of ids may lock
all there are: rows that another relay holds, or that a recorder has not committed."""

RANGES = 400
"""Ranges of ids in one statement: SQLite takes 1,000 conditions."""

_DELIVERIES = (
    sa.select(*EVENT_COLUMNS, outbox.c.traceparent, outbox.c.id, outbox.c.attempts, outbox.c.first_failed_at)
    .select_from(outbox)
    .join(
        user_interactions,
        sa.and_(user_interactions.c.user_id == outbox.c.user_id, user_interactions.c.position == outbox.c.position),
    )
    .order_by(outbox.c.id)
)


class SqlOutbox:
    """The outbox in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @repeated_when_lost
    def add(self, events: Collection[LoggedEvent]) -> None:
        with self._database.writing() as connection:
            enqueue(connection, events)

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(_DELIVERIES.where(_is_due(now)).limit(limit)).all()]

    @contextmanager
    def handing_over(self, now: datetime, limit: int) -> Iterator[Sequence[Delivery]]:
        if not self._database.is_mysql:
            # A lock would be one on the whole file, while a broker is waited for.
            deliveries = self.due(now, limit)
            yield deliveries
            self.delete([delivery.tag for delivery in deliveries])
            return
        locking = sa.select(outbox.c.id).where(_is_due(now)).order_by(outbox.c.id).limit(limit)
        with self._database.writing() as connection:
            # Two reads, because FOR UPDATE OF one of two tables is not in MariaDB, and a lock on rows of the log would
            # hold up those who record.
            ids = connection.scalars(locking.with_for_update(skip_locked=True)).all()
            rows = [
                row
                for part in in_parts(ids)
                for row in connection.execute(_DELIVERIES.where(is_one_of(outbox.c.id)), part).all()
            ]
            yield [_delivery(row) for row in rows]
            _delete(connection, ids)

    @repeated_when_lost
    def delete(self, row_ids: Collection[int]) -> None:
        if row_ids:
            with self._database.writing() as connection:
                _delete(connection, row_ids)

    @repeated_when_lost
    def postpone(self, row_ids: Collection[int], until: datetime, now: datetime, counted: bool = True) -> None:
        statement = sa.update(outbox).values(due_at=until)
        if counted:
            first = sa.func.coalesce(outbox.c.first_failed_at, sa.literal(now, outbox.c.first_failed_at.type))
            statement = statement.values(attempts=outbox.c.attempts + 1, first_failed_at=first)
        with self._database.writing() as connection:
            for part in in_parts(row_ids):
                connection.execute(statement.where(is_one_of(outbox.c.id)), part)

    def depth(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0


def enqueue(connection: Connection, events: Collection[LoggedEvent]) -> None:
    """Add a row for each of these logged events, in this transaction."""
    columns: dict[str, list[Any]] = {
        "user_id": [logged.event.user_id for logged in events],
        "position": [logged.position for logged in events],
        "attempts": [0] * len(events),
    }
    traces = [logged.trace for logged in events]
    if any(traces):
        columns["traceparent"] = traces
    insert_columns(connection, outbox, columns)


def _delete(connection: Connection, row_ids: Collection[int]) -> None:
    # What is delivered together mostly stands together: a range or two instead of thousands of ids.
    ranges = as_ranges(row_ids)
    if connection.dialect.name == "mysql":
        for first, last in ranges:
            connection.execute(_DELETE_ON_MYSQL, {"first": first, "last": last, "count": last - first + 1})
        return
    for start in range(0, len(ranges), RANGES):
        some = ranges[start : start + RANGES]
        connection.execute(sa.delete(outbox).where(sa.or_(*(outbox.c.id.between(*ends) for ends in some))))


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(outbox.c.due_at.is_(None), outbox.c.due_at <= now)


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(logged=event_from(row, trace=row[-4]), tag=row[-3], attempts=row[-2], first_failed_at=row[-1])
