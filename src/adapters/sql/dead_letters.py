"""Dead letters and the registry in SQL."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from attrs import asdict

from adapters.sql.database import Database
from adapters.sql.statements import in_parts, is_one_of
from adapters.sql.tables import dead_letters
from application.ports.dead_letters import DeadLetter


class SqlDeadLetters:
    """Dead letters by queue and message id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, letters: Sequence[DeadLetter]) -> None:
        latest = {(letter.queue, letter.message_id): letter for letter in letters}
        with self._database.writing() as connection:
            for queue, message_id in latest:
                connection.execute(sa.delete(dead_letters).where(_is(queue)), {"values": [message_id]})
            if latest:
                connection.execute(sa.insert(dead_letters), [asdict(letter) for letter in latest.values()])

    def among(self, message_ids: Collection[str]) -> Collection[str]:
        query = sa.select(dead_letters.c.message_id)
        with self._database.reading() as connection:
            return {
                message_id
                for part in in_parts(message_ids)
                for message_id in connection.scalars(query.where(is_one_of(dead_letters.c.message_id)), part)
            }

    def list(self, limit: int) -> Sequence[DeadLetter]:
        newest = sa.select(dead_letters).order_by(
            dead_letters.c.last_failed_at.desc(), dead_letters.c.message_id.desc()
        )
        with self._database.reading() as connection:
            return [DeadLetter(**row._mapping) for row in connection.execute(newest.limit(limit))]

    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        with self._database.writing() as connection:
            for part in in_parts(message_ids):
                connection.execute(sa.delete(dead_letters).where(_is(queue)), part)

    def count(self) -> int:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(dead_letters)) or 0


def _is(queue: str) -> sa.ColumnElement[bool]:
    return sa.and_(dead_letters.c.queue == queue, is_one_of(dead_letters.c.message_id))
