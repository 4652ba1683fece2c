"""The outbox in SQL: each row points at a row of the log."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.sql.database import Database
from adapters.sql.events import EVENT_COLUMNS, event_from
from adapters.sql.statements import in_parts, insert_columns, is_one_of
from adapters.sql.tables import outbox, user_interactions
from application.ports.message_source import Delivery
from domain.applied_positions import as_ranges
from domain.interaction import LoggedEvent


class SqlOutbox:
    """The outbox in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Collection[LoggedEvent]) -> None:
        with self._database.writing() as connection:
            enqueue(connection, events)

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        query = (
            sa.select(*EVENT_COLUMNS, outbox.c.id, outbox.c.attempts, outbox.c.first_failed_at)
            .select_from(outbox)
            .join(
                user_interactions,
                sa.and_(
                    user_interactions.c.user_id == outbox.c.user_id,
                    user_interactions.c.position == outbox.c.position,
                ),
            )
            .where(sa.or_(outbox.c.due_at.is_(None), outbox.c.due_at <= now))
            .order_by(outbox.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query).all()]

    def delete(self, row_ids: Collection[int]) -> None:
        # What is delivered together mostly stands together: a range or two instead of thousands of ids.
        ranges = [{"first": first, "last": last} for first, last in as_ranges(row_ids)]
        between = outbox.c.id.between(sa.bindparam("first"), sa.bindparam("last"))
        if ranges:
            with self._database.writing() as connection:
                connection.execute(sa.delete(outbox).where(between), ranges)

    def postpone(self, row_ids: Collection[int], until: datetime, now: datetime) -> None:
        statement = sa.update(outbox).values(
            attempts=outbox.c.attempts + 1,
            due_at=until,
            first_failed_at=sa.func.coalesce(outbox.c.first_failed_at, sa.literal(now, outbox.c.first_failed_at.type)),
        )
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
    insert_columns(connection, outbox, columns)


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(logged=event_from(row), tag=row[-3], attempts=row[-2], first_failed_at=row[-1])
