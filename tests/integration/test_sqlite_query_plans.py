"""The reads of a vector index and of filters find their rows in SQLite by an index, without sorting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sql.database import Database, sqlite_url
from adapters.sql.event_log import SqlEventLog
from adapters.sql.product_catalogue import SqlProductCatalogue
from domain.attributes import attributes_of
from tests.builders import DIMENSIONS
from tests.integration.mysql_tables import opened
from tests.integration.query_plans import sqlite_plan_of

USERS = 128


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with all tables; SQLite plans the same whatever is in them, until somebody has it count."""
    with opened(sqlite_url(tmp_path / "penchant.sqlite")) as [database]:
        yield database


def test_the_last_events_of_many_users_are_read_as_a_range_each(database: Database) -> None:
    up_to = {f"user-{n}": 50 for n in range(USERS)}

    plan = sqlite_plan_of(database, lambda: list(SqlEventLog(database).last_events(up_to, 20)))

    by_position = [step for step in plan if step.endswith("(user_id=? AND position>? AND position<?)")]
    by_target = [step for step in plan if "uq_user_interactions_retracts (retracts=?)" in step]
    assert (len(by_position), len(by_target)) == (USERS, 1)
    assert not [step for step in plan if step.startswith(("SCAN", "USE TEMP"))]


def test_a_page_of_stamps_begins_where_the_one_before_ended(database: Database) -> None:
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")

    [step] = sqlite_plan_of(database, lambda: catalogue.stamps("tea", 10))

    assert step.startswith("SEARCH product_embeddings USING INDEX")
    assert step.endswith("(product_id>?)")


def test_products_with_an_attribute_are_a_range_of_its_index(database: Database) -> None:
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")

    plan = sqlite_plan_of(database, lambda: catalogue.having(attributes_of({"colour": ["red"]})))

    assert plan == ["SEARCH product_attributes USING PRIMARY KEY (name=? AND value=?)"]


def test_of_further_attributes_only_those_of_such_products_are_read(database: Database) -> None:
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")
    wanted = attributes_of({"colour": ["red", "blue"], "size": ["S", "M"], "brand": ["x"]})

    plan = sqlite_plan_of(database, lambda: catalogue.having(wanted))

    searches = [step for step in plan if step.startswith("SEARCH")]
    assert searches[0] == "SEARCH product_attributes USING PRIMARY KEY (name=? AND value=?)"
    assert [("product_id=?" in step, "name=?" in step) for step in searches[1:]] == [(True, True)] * 2
    assert not [step for step in plan if step.startswith(("SCAN", "USE TEMP"))]
