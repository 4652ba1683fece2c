"""Dead letters in SQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa
from attrs import asdict
from sqlalchemy.engine import Connection

from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.statements import in_parts, is_one_of, upsert
from adapters.sql.tables import dead_letters
from application.ports.dead_letters import EVERY, DeadLetter, DeadLetterFilter
from domain.errors import PermanentError

PART_BYTES = 1_048_576
"""MySQL gets a longer body in parts of this size: a statement holds two characters a byte, and may be too large."""

_ENVELOPE_BYTES = 131_072
"""More than all but the body of a letter takes in a statement."""


class SqlDeadLetters:
    """Dead letters by queue and message id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @repeated_when_lost
    def add(self, letters: Sequence[DeadLetter]) -> None:
        """As the port says. Raises PermanentError for a body that MySQL's max_allowed_packet keeps out."""
        latest = {(letter.queue, letter.message_id): letter for letter in letters}
        with self._database.writing() as connection:
            ordered = [latest[key] for key in sorted(latest)]
            if self._database.is_mysql:
                _add_in_parts(connection, ordered)
            else:
                upsert(connection, dead_letters, [asdict(letter) for letter in ordered])

    def among(self, message_ids: Collection[str], queues: Collection[str]) -> Collection[str]:
        query = sa.select(dead_letters.c.message_id).where(dead_letters.c.queue.in_(queues))
        with self._database.reading() as connection:
            return {
                message_id
                for part in in_parts(message_ids)
                for message_id in connection.scalars(query.where(is_one_of(dead_letters.c.message_id)), part)
            }

    def list(self, limit: int, matching: DeadLetterFilter = EVERY) -> Sequence[DeadLetter]:
        newest = sa.select(dead_letters).order_by(
            dead_letters.c.last_failed_at.desc(), dead_letters.c.message_id.desc()
        )
        with self._database.reading() as connection:
            rows = connection.execute(newest.where(*_conditions(matching)).limit(limit))
            return [DeadLetter(**row._mapping) for row in rows]

    def pages(self, matching: DeadLetterFilter, page: int) -> Iterator[Sequence[DeadLetter]]:
        queue, message_id = dead_letters.c.queue, dead_letters.c.message_id
        first = sa.select(dead_letters).where(*_conditions(matching)).order_by(queue, message_id).limit(page)
        query = first
        while True:
            with self._database.reading() as connection:
                letters = [DeadLetter(**row._mapping) for row in connection.execute(query)]
            if not letters:
                return
            yield letters
            last = letters[-1]
            query = first.where(queue >= last.queue, sa.or_(queue > last.queue, message_id > last.message_id))

    @repeated_when_lost
    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        statement = sa.delete(dead_letters).where(dead_letters.c.queue == queue, is_one_of(dead_letters.c.message_id))
        with self._database.writing() as connection:
            for part in in_parts(message_ids):
                connection.execute(statement, part)

    @repeated_when_lost
    def purge(self, matching: DeadLetterFilter) -> int:
        with self._database.writing() as connection:
            return connection.execute(sa.delete(dead_letters).where(*_conditions(matching))).rowcount

    def count(self, matching: DeadLetterFilter = EVERY) -> int:
        query = sa.select(sa.func.count()).select_from(dead_letters).where(*_conditions(matching))
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def counts(self) -> Mapping[str, int]:
        query = sa.select(dead_letters.c.queue, sa.func.count().label("letters")).group_by(dead_letters.c.queue)
        with self._database.reading() as connection:
            return {row.queue: row.letters for row in connection.execute(query)}


def _conditions(matching: DeadLetterFilter) -> Sequence[sa.ColumnElement[bool]]:
    columns = dead_letters.c
    equal = {
        columns.message_id: matching.message_id,
        columns.queue: matching.queue,
        columns.user_id: matching.user_id,
        columns.error_type: matching.error_type,
    }
    conditions: list[sa.ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if matching.failed_before is not None:
        conditions.append(columns.last_failed_at < matching.failed_before)
    return conditions


def _add_in_parts(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    long = [letter for letter in letters if len(letter.body) > PART_BYTES]
    if long:
        _check_sizes(connection, long)
    upsert(connection, dead_letters, [asdict(letter) | {"body": letter.body[:PART_BYTES]} for letter in letters])
    for letter in long:
        is_it = sa.and_(dead_letters.c.queue == letter.queue, dead_letters.c.message_id == letter.message_id)
        for start in range(PART_BYTES, len(letter.body), PART_BYTES):
            part = sa.literal(letter.body[start : start + PART_BYTES], dead_letters.c.body.type)
            longer = sa.func.concat(dead_letters.c.body, part)
            connection.execute(sa.update(dead_letters).where(is_it).values(body=longer))


def _check_sizes(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    limit: int = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    longest = max(len(letter.body) for letter in letters)
    if longest + _ENVELOPE_BYTES > limit:
        raise PermanentError(
            f"A dead letter of {longest} bytes is more than the database takes; raise its max_allowed_packet"
            f" (now {limit}) above {longest + _ENVELOPE_BYTES}."
        )
