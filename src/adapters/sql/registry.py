"""The registry in SQL."""

import sqlalchemy as sa

from adapters.sql.database import Database, repeated_when_lost
from adapters.sql.statements import insert_new, upsert
from adapters.sql.tables import registry


class SqlRegistry:
    """Names and texts in a table beside the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(registry.c.text).where(registry.c.name == name))

    @repeated_when_lost
    def set_if_absent(self, name: str, text: str) -> str:
        with self._database.writing() as connection:
            insert_new(connection, registry, [{"name": name, "text": text}])
            kept: str = connection.scalars(sa.select(registry.c.text).where(registry.c.name == name)).one()
            return kept

    @repeated_when_lost
    def replace(self, name: str, expected: str | None, text: str) -> bool:
        matches = sa.and_(registry.c.name == name, registry.c.text == expected)
        with self._database.writing() as connection:
            if expected is not None:
                return connection.execute(sa.update(registry).where(matches).values(text=text)).rowcount == 1
            if connection.scalar(sa.select(registry.c.name).where(registry.c.name == name)) is not None:
                return False
            connection.execute(sa.insert(registry).values(name=name, text=text))
            return True

    @repeated_when_lost
    def set(self, name: str, text: str) -> None:
        with self._database.writing() as connection:
            upsert(connection, registry, [{"name": name, "text": text}])
