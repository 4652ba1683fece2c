"""Inserts that each database spells differently, and lists cut to what a statement takes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Connection, Dialect

MAX_PARAMETERS = 10_000
"""SQLite takes 32,766 in a statement, MySQL 65,535."""

_Build = Callable[[sa.Table, str], sa.Insert]
_Process = Callable[[Any], Any]


def insert_columns(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given as columns of equal length. Raises IntegrityError if a key is taken."""
    _run(connection, _insert, table, columns)


def insert_new(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not taken, by an earlier one of them either."""
    _run(connection, _insert_new, table, _columns_of(rows))


def upsert(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows, each in place of what is under its primary key."""
    _run(connection, _upsert, table, _columns_of(rows))


def add_to_counts(connection: Connection, counter: sa.Column[int], rows: Sequence[dict[str, Any]]) -> None:
    """Add to `counter` in the row of each key, from 0 where there is none.

    Rows sorted by their key keep two writers from a deadlock.
    """
    _run(connection, _adding_to(counter), counter.table, _columns_of(rows))


def is_one_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether `column` is one of the values given as parameter "values" at execution (see `in_parts`)."""
    return column.in_(sa.bindparam("values", expanding=True))


def in_parts(values: Collection[Any]) -> Iterator[dict[str, list[Any]]]:
    """The values without repeats, sorted, as the parameters of statements with `is_one_of`, none too long."""
    ordered = sorted(set(values))
    return ({"values": ordered[start : start + MAX_PARAMETERS]} for start in range(0, len(ordered), MAX_PARAMETERS))


def _columns_of(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _run(connection: Connection, build: _Build, table: Any, columns: Mapping[str, Sequence[Any]]) -> None:
    # SQLAlchemy prepares the parameters of each row anew; doing it by column halves the time that recording takes.
    # PyMySQL makes one statement of the rows, or as many as its max_stmt_length of 1 MB asks for.
    if not columns:
        return
    statement, order, processes = _prepared(connection.dialect, build, table, tuple(columns))
    values = [_bound(columns[name], process) for name, process in zip(order, processes, strict=True)]
    rows = list(zip(*values, strict=True))
    if rows:
        connection.exec_driver_sql(statement, rows)


@lru_cache(maxsize=128)
def _prepared(
    dialect: Dialect, build: _Build, table: sa.Table, names: tuple[str, ...]
) -> tuple[str, Sequence[str], Sequence[_Process | None]]:
    """The text of a statement, its parameters in order, and what each value goes through."""
    compiled = build(table, dialect.name).compile(dialect=dialect, column_keys=list(names))
    order = tuple(compiled.positiontup or names)
    return str(compiled), order, [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order]


def _bound(values: Sequence[Any], process: _Process | None) -> Sequence[Any]:
    return values if process is None else [process(value) for value in values]


def _insert(table: sa.Table, _: str) -> sa.Insert:
    return sa.insert(table)


def _insert_new(table: sa.Table, dialect: str) -> sa.Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    # Not INSERT IGNORE, which also lets values pass that do not fit.
    first = next(iter(table.primary_key))
    return mysql.insert(table).on_duplicate_key_update({first.name: first})


def _upsert(table: sa.Table, dialect: str) -> sa.Insert:
    values = [column.name for column in table.columns if not column.primary_key]
    if dialect == "sqlite":
        insert = sqlite.insert(table)
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: insert.excluded[name] for name in values}
        )
    mysql_insert = mysql.insert(table)
    return mysql_insert.on_duplicate_key_update({name: mysql_insert.inserted[name] for name in values})


@lru_cache(maxsize=8)
def _adding_to(counter: sa.Column[int]) -> _Build:
    name = counter.name

    def build(table: sa.Table, dialect: str) -> sa.Insert:
        if dialect == "sqlite":
            insert = sqlite.insert(table)
            return insert.on_conflict_do_update(
                index_elements=list(table.primary_key), set_={name: counter + insert.excluded[name]}
            )
        mysql_insert = mysql.insert(table)
        return mysql_insert.on_duplicate_key_update({name: counter + mysql_insert.inserted[name]})

    return build
