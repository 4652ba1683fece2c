"""The event log in SQL."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import repeat

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.sql.database import Database
from adapters.sql.events import EVENT_COLUMNS, columns_of, event_from
from adapters.sql.last_positions import in_ranges, ranges_of
from adapters.sql.log_filter import beyond, conditions_of, order_of
from adapters.sql.outbox import enqueue
from adapters.sql.statements import add_to_counts, in_parts, insert_columns, is_one_of
from adapters.sql.streams import streamed
from adapters.sql.tables import user_heads, user_interactions
from application.ports.event_log import DailyCount, LogFilter
from domain.interaction import Event, EventType, LoggedEvent, Retraction

PAGE = 2_000

_log = user_interactions
_retraction = user_interactions.alias("retraction")

# Made once, so that SQLAlchemy need not build and hash them for each event.
_BY_MESSAGE_ID = sa.select(*EVENT_COLUMNS).where(is_one_of(_log.c.message_id))
_BY_RETRACTED = sa.select(*EVENT_COLUMNS).where(is_one_of(_log.c.retracts))
_HEADS = sa.select(user_heads.c.user_id, user_heads.c.position).where(is_one_of(user_heads.c.user_id))
_WITH_RETRACTION = sa.select(*EVENT_COLUMNS, _retraction.c.position.label("retracted_by")).outerjoin(
    _retraction, _retraction.c.retracts == _log.c.message_id
)
_PURCHASES = (
    sa.select(_log.c.product_id)
    .outerjoin(_retraction, _retraction.c.retracts == _log.c.message_id)
    .where(
        _log.c.user_id == sa.bindparam("user_id"),
        _log.c.event_type == EventType.PURCHASE.value,
        _retraction.c.id.is_(None),
    )
    .order_by(_log.c.occurred_at.desc(), _log.c.position.desc())
)


class SqlLogTransaction:
    """One transaction on log and outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        return _find(self._connection, message_ids)

    def retractions_of(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        found = [
            event_from(row)
            for part in in_parts(message_ids)
            for row in self._connection.execute(_BY_RETRACTED, part).all()
        ]
        return {logged.event.retracts: logged for logged in found if isinstance(logged.event, Retraction)}

    def append(
        self, events: Sequence[Event], recorded_at: datetime, traces: Sequence[str | None] = ()
    ) -> Sequence[LoggedEvent]:
        if not events:
            return []
        counts = Counter(event.user_id for event in events)
        # The head rows stay locked until the end, so whoever else records for these users waits here.
        added = [{"user_id": user_id, "position": count} for user_id, count in sorted(counts.items())]
        add_to_counts(self._connection, user_heads.c.position, added)
        heads = _heads_of(self._connection, counts)
        next_position = {user_id: heads[user_id] - count + 1 for user_id, count in counts.items()}
        logged = []
        for event, trace in zip(events, traces if traces else repeat(None), strict=False):
            position = next_position[event.user_id]
            next_position[event.user_id] += 1
            logged.append(LoggedEvent(event=event, position=position, recorded_at=recorded_at, trace=trace))
        insert_columns(self._connection, _log, columns_of(logged))
        enqueue(self._connection, logged)
        return logged


class SqlEventLog:
    """The event log in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[SqlLogTransaction]:
        with self._database.writing() as connection:
            yield SqlLogTransaction(connection)

    def find(self, message_ids: Collection[str]) -> Mapping[str, LoggedEvent]:
        with self._database.reading() as connection:
            return _find(connection, message_ids)

    def history(self, user_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        query = _WITH_RETRACTION.order_by(_log.c.user_id, _log.c.position)
        with self._database.reading(one_state=True) as connection:
            for part in in_parts(user_ids):
                with streamed(connection, query.where(is_one_of(_log.c.user_id)), PAGE, part) as pages:
                    for rows in pages:
                        yield [event_from(row, retracted_by=row[-1]) for row in rows]

    def heads(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        query = sa.select(user_heads.c.user_id, user_heads.c.position).order_by(user_heads.c.user_id).limit(limit)
        if after is not None:
            query = query.where(user_heads.c.user_id > after)
        with self._database.reading() as connection:
            return [(user_id, position) for user_id, position in connection.execute(query)]

    def heads_of(self, user_ids: Collection[str]) -> Mapping[str, int]:
        with self._database.reading() as connection:
            return _heads_of(connection, user_ids)

    def last_events(self, up_to: Mapping[str, int], limit: int) -> Iterator[Sequence[LoggedEvent]]:
        with self._database.reading() as connection:
            for count, ranges in ranges_of(up_to, limit):
                with streamed(connection, _WITH_RETRACTION.where(in_ranges(count)), PAGE, ranges) as pages:
                    for rows in pages:
                        yield [event_from(row, retracted_by=row[-1]) for row in rows]

    def last_purchases(self, user_id: str) -> Sequence[str]:
        with self._database.reading() as connection:
            return list(dict.fromkeys(connection.scalars(_PURCHASES, {"user_id": user_id}).all()))

    def of_products(self, product_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        query = sa.select(*EVENT_COLUMNS)
        with self._database.reading() as connection:
            for part in in_parts(product_ids):
                with streamed(connection, query.where(is_one_of(_log.c.product_id)), PAGE, part) as pages:
                    for rows in pages:
                        yield [event_from(row) for row in rows]

    def users_of_products(self, product_ids: Collection[str]) -> Collection[str]:
        query = sa.select(_log.c.user_id).distinct()
        with self._database.reading() as connection:
            return {
                user_id
                for part in in_parts(product_ids)
                for user_id in connection.scalars(query.where(is_one_of(_log.c.product_id)), part)
            }

    def matching(self, events: LogFilter) -> Iterator[Sequence[LoggedEvent]]:
        # A transaction a page: whoever publishes them may take hours, and must not keep old versions of rows alive.
        order = order_of(events)
        page = sa.select(*EVENT_COLUMNS, *order).where(*conditions_of(events)).order_by(*order).limit(PAGE)
        query = page
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield [event_from(row) for row in rows]
            query = page.where(beyond(order, rows[-1][len(EVENT_COLUMNS) :]))

    def count_matching(self, events: LogFilter) -> int:
        query = sa.select(sa.func.count()).select_from(_log).where(*conditions_of(events))
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def phrases(self) -> Iterator[Collection[str]]:
        searches = sa.select(_log.c.id, _log.c.search_phrase).where(_log.c.search_phrase.is_not(None))
        page = searches.order_by(_log.c.id).limit(PAGE)
        last = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(page.where(_log.c.id > last)).all()
            if not rows:
                return
            yield {row.search_phrase for row in rows}
            last = rows[-1].id

    def product_counts(self) -> Mapping[str, int]:
        query = (
            sa.select(_log.c.product_id, sa.func.count().label("events"))
            .outerjoin(_retraction, _retraction.c.retracts == _log.c.message_id)
            .where(_log.c.product_id.is_not(None), _retraction.c.id.is_(None))
            .group_by(_log.c.product_id)
        )
        with self._database.reading() as connection:
            return {row.product_id: row.events for row in connection.execute(query)}

    def daily_counts(self, since: datetime) -> Sequence[DailyCount]:
        day = sa.func.substr(sa.cast(_log.c.occurred_at, sa.String(32)), 1, 10)
        query = (
            sa.select(_log.c.product_id, _log.c.event_type, day.label("day"), sa.func.count().label("events"))
            .outerjoin(_retraction, _retraction.c.retracts == _log.c.message_id)
            .where(_log.c.occurred_at >= since, _log.c.product_id.is_not(None), _retraction.c.id.is_(None))
            .group_by(_log.c.product_id, _log.c.event_type, day)
        )
        with self._database.reading() as connection:
            return [
                DailyCount(
                    product_id=row.product_id,
                    event_type=EventType(row.event_type),
                    day=date.fromisoformat(row.day),
                    events=row.events,
                )
                for row in connection.execute(query)
            ]

    def count(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(_log)) or 0

    def user_count(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(user_heads)) or 0


def _find(connection: Connection, message_ids: Collection[str]) -> dict[str, LoggedEvent]:
    return {
        row.message_id: event_from(row)
        for part in in_parts(message_ids)
        for row in connection.execute(_BY_MESSAGE_ID, part).all()
    }


def _heads_of(connection: Connection, user_ids: Collection[str]) -> dict[str, int]:
    return {
        user_id: position for part in in_parts(user_ids) for user_id, position in connection.execute(_HEADS, part).all()
    }
