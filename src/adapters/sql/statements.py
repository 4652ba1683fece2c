"""Statements that each database spells differently, and lists cut to what a statement takes."""

from collections.abc import Collection, Iterator, Sequence
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


def in_parts(values: Collection[Any]) -> Iterator[list[Any]]:
    """The values without repeats, sorted, in lists short enough for one statement."""
    ordered = sorted(set(values))
    return (ordered[start : start + MAX_PARAMETERS] for start in range(0, len(ordered), MAX_PARAMETERS))
