"""Bulk inserts as MySQL gets them: one statement of many rows, on every version."""

from typing import Any

import pytest
import sqlalchemy as sa
from pymysql.cursors import RE_INSERT_VALUES
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql import statements
from adapters.sql.tables import metadata, user_heads

VERSIONS = {"MariaDB 10.11": (True, (10, 11, 6)), "MySQL 8.0.19": (False, (8, 0, 19)), "MySQL 8.4": (False, (8, 4, 0))}

BUILDS = {
    "insert": statements._insert,
    "insert new": statements._insert_new,
    "upsert": statements._upsert,
}


STATEMENTS = [
    pytest.param(build, table, id=f"{name}-{table}")
    for name, build in BUILDS.items()
    for table in metadata.sorted_tables
    if name != "upsert" or not all(column.primary_key for column in table.columns)  # there is nothing to replace
]


def _dialect(version: str) -> sa.Dialect:
    dialect = mysql.dialect(paramstyle="format")
    is_mariadb, numbers = VERSIONS[version]
    dialect.is_mariadb, dialect.server_version_info = is_mariadb, numbers
    return dialect


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("build", "table"), STATEMENTS)
def test_the_driver_makes_one_statement_of_many_rows(version: str, build: Any, table: sa.Table) -> None:
    text, order, processes = statements._prepared(
        _dialect(version), build, table, tuple(column.name for column in table.columns)
    )

    matched = RE_INSERT_VALUES.match(text)
    assert matched is not None
    assert "%" not in (matched.group(3) or "")
    assert len(order) == len(processes) == len(table.columns)


@pytest.mark.parametrize("version", VERSIONS)
def test_adding_to_heads_is_one_statement_of_many_rows(version: str) -> None:
    build = statements._adding_to(user_heads.c.position)

    text, order, _ = statements._prepared(_dialect(version), build, user_heads, ("user_id", "position"))

    assert RE_INSERT_VALUES.match(text) is not None
    assert list(order) == ["user_id", "position"]


def test_a_list_is_cut_into_parts_without_repeats_in_order() -> None:
    parts = list(statements.in_parts([*range(25_000), 3, 2, 1]))

    assert [len(part["values"]) for part in parts] == [10_000, 10_000, 5_000]
    assert [value for part in parts for value in part["values"]] == list(range(25_000))


def test_sqlite_gets_its_own_words() -> None:
    text, _, _ = statements._prepared(sqlite.dialect(), statements._insert_new, user_heads, ("user_id", "position"))

    assert text.endswith("ON CONFLICT DO NOTHING")
