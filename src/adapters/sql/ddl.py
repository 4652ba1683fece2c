"""Steps of migrations that can be taken again.

MySQL commits at each of them, so a migration that dies leaves the steps before it.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

from adapters.sql.mysql import COLLATIONS, server_kind


def create_table(name: str, *items: SchemaItem, **options: Any) -> None:
    """Create a table if it is not there."""
    connection = op.get_bind()
    if connection.dialect.name == "mysql":
        options |= {
            "mysql_engine": "InnoDB",
            "mysql_charset": "utf8mb4",
            "mysql_collate": COLLATIONS[server_kind(connection)],
            "mysql_row_format": "DYNAMIC",
        }
    op.create_table(name, *items, if_not_exists=True, **options)


def drop_table(name: str) -> None:
    """Drop a table if it is there."""
    op.drop_table(name, if_exists=True)


def create_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """Create an index if it is not there. MySQL has no IF NOT EXISTS for that."""
    if not _has_index(name, table):
        op.create_index(name, table, columns, **options)


def drop_index(name: str, table: str) -> None:
    """Drop an index if it is there."""
    if _has_index(name, table):
        op.drop_index(name, table)


def add_column(table: str, column: "sa.Column[Any]") -> None:
    """Add a column if it is not there."""
    if not _has_column(column.name, table):
        op.add_column(table, column)


def drop_column(table: str, name: str) -> None:
    """Drop a column if it is there."""
    if _has_column(name, table):
        op.drop_column(table, name)


def _has_column(name: str, table: str) -> bool:
    return any(column["name"] == name for column in sa.inspect(op.get_bind()).get_columns(table))


def _has_index(name: str, table: str) -> bool:
    return any(index["name"] == name for index in sa.inspect(op.get_bind()).get_indexes(table))
