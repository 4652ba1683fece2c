"""Statements that each database spells differently, and lists cut to what a statement takes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Connection

MAX_PARAMETERS = 10_000
"""SQLite takes 32,766 in a statement, MySQL 65,535."""


def insert_new(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose key is not taken; return how many were."""
    if not rows:
        return 0
    if connection.dialect.name == "mysql":
        statement: sa.Insert = mysql.insert(table).prefix_with("IGNORE")
    else:
        statement = sqlite.insert(table).on_conflict_do_nothing()
    return connection.execute(statement, rows).rowcount


def add_to_heads(connection: Connection, heads: sa.Table, counts: Sequence[tuple[str, int]]) -> None:
    """Add to the position of each user, from 0 where there is none. Sorted input keeps two writers from a deadlock."""
    rows = [{"user_id": user_id, "position": count} for user_id, count in counts]
    if connection.dialect.name == "mysql":
        mysql_insert = mysql.insert(heads)
        connection.execute(
            mysql_insert.on_duplicate_key_update(position=heads.c.position + mysql_insert.inserted.position), rows
        )
    else:
        insert = sqlite.insert(heads)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[heads.c.user_id], set_={"position": heads.c.position + insert.excluded.position}
            ),
            rows,
        )


def insert_columns(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given as columns of equal length, handed to the driver as they are.

    SQLAlchemy prepares the parameters of each row anew; doing it by column halves the time that recording takes.
    """
    dialect = connection.dialect
    statement = sa.insert(table).compile(dialect=dialect, column_keys=list(columns))
    values = [
        _bound(columns[name], table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in statement.positiontup or columns
    ]
    rows = list(zip(*values, strict=True))
    if rows:
        connection.exec_driver_sql(str(statement), rows)


def _bound(values: Sequence[Any], process: Callable[[Any], Any] | None) -> Sequence[Any]:
    return values if process is None else [process(value) for value in values]


def is_one_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether `column` is one of the values given as parameter "values" at execution (see `in_parts`)."""
    return column.in_(sa.bindparam("values", expanding=True))


def in_parts(values: Collection[Any]) -> Iterator[dict[str, list[Any]]]:
    """The values without repeats, sorted, as the parameters of statements with `is_one_of`, none too long."""
    ordered = sorted(set(values))
    return ({"values": ordered[start : start + MAX_PARAMETERS]} for start in range(0, len(ordered), MAX_PARAMETERS))
