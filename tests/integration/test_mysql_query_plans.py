"""Replay, rebuild, relays and filters find their rows on a real MySQL by an index (docs/query-plans.md)."""

from collections.abc import Iterator
from itertools import islice

import pytest

from adapters.sql.database import Database
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.product_catalogue import SqlProductCatalogue
from application.ports.event_log import LogFilter
from application.ports.product_catalogue import CataloguePut
from domain.attributes import attributes_of
from domain.product import Product
from tests.builders import DIMENSIONS, NOW, bought, days_ago, in_catalogue
from tests.integration.mysql_tables import append, opened
from tests.integration.query_plans import analyze, plan_of
from tests.services import MysqlServer

EVENTS = 12_000
DAYS = 400
BY_USER = "uq_user_interactions_user_id_position"
BY_PRODUCT = "ix_user_interactions_product_id_occurred_at"
BY_TIME = "ix_user_interactions_occurred_at"

FILTERS = [
    pytest.param(LogFilter(user_id="user-7"), BY_USER, id="of a user"),
    pytest.param(LogFilter(user_id="user-7", occurred_from=days_ago(30)), BY_USER, id="of a user since"),
    pytest.param(LogFilter(product_id="product-7"), BY_PRODUCT, id="of a product"),
    pytest.param(LogFilter(product_id="product-7", occurred_from=days_ago(30)), BY_PRODUCT, id="of a product since"),
    pytest.param(LogFilter(occurred_from=days_ago(1)), BY_TIME, id="since"),
    pytest.param(LogFilter(occurred_from=days_ago(9), occurred_before=days_ago(5)), BY_TIME, id="between"),
    pytest.param(LogFilter(occurred_before=days_ago(DAYS - 1)), BY_TIME, id="before"),
    pytest.param(LogFilter(), "PRIMARY", id="all"),
]


class _StopError(Exception):
    """What leaves the outbox as it is."""


@pytest.fixture(scope="module")
def database(mysql_server: MysqlServer) -> Iterator[Database]:
    """A log of 200 users and 400 products over 400 days."""
    mysql_server.start()
    with mysql_server.database() as url, opened(url) as [database]:
        log = SqlEventLog(database)
        for start in range(0, EVENTS, 3_000):
            numbers = range(start, start + 3_000)
            append(log, [bought(f"m{n}", f"product-{n % 400}", f"user-{n % 200}", n * 7.3 % DAYS) for n in numbers])
        analyze(database, "user_interactions", "user_heads", "outbox")
        yield database


@pytest.mark.parametrize(("events", "index"), FILTERS)
def test_a_replay_reads_its_events_in_the_order_of_an_index(database: Database, events: LogFilter, index: str) -> None:
    [step] = plan_of(database, lambda: next(SqlEventLog(database).matching(events)))

    assert step.access != "ALL"
    assert step.key == index
    assert not step.sorts_or_copies


@pytest.mark.parametrize(
    ("events", "index"),
    [(LogFilter(), "PRIMARY"), (LogFilter(occurred_from=days_ago(90)), BY_TIME)],
    ids=["all", "since"],
)
def test_a_later_page_begins_where_the_one_before_ended(database: Database, events: LogFilter, index: str) -> None:
    [step] = plan_of(database, lambda: list(islice(SqlEventLog(database).matching(events), 2)))

    assert (step.access, step.key) == ("range", index)
    assert not step.sorts_or_copies


@pytest.mark.parametrize(("events", "index"), FILTERS[:-1])
def test_events_are_counted_by_the_same_index(database: Database, events: LogFilter, index: str) -> None:
    [step] = plan_of(database, lambda: SqlEventLog(database).count_matching(events))

    assert step.key == index


def test_a_history_is_read_by_user_and_its_retractions_by_their_target(database: Database) -> None:
    events, retractions = plan_of(database, lambda: list(SqlEventLog(database).history(["user-1", "user-7"])))

    assert (events.key, retractions.key) == (BY_USER, "uq_user_interactions_retracts")


@pytest.mark.parametrize("limit", [1, 20])
def test_the_last_events_of_many_users_are_read_as_a_range_each(database: Database, limit: int) -> None:
    up_to = {f"user-{n}": 50 for n in range(100)}

    events, retractions = plan_of(database, lambda: list(SqlEventLog(database).last_events(up_to, limit)))

    assert (events.access, events.key, events.sorts_or_copies) == ("range", BY_USER, False)
    assert events.rows == len(up_to) * limit
    assert (retractions.access, retractions.key) == ("eq_ref", "uq_user_interactions_retracts")


def test_many_message_ids_are_looked_up_one_by_one(database: Database) -> None:
    [step] = plan_of(database, lambda: SqlEventLog(database).find([f"m{n}" for n in range(1_500)]))

    assert (step.access, step.key) == ("range", "uq_user_interactions_message_id")


def test_many_rows_of_the_outbox_are_read_by_their_ids_and_not_joined_with_a_table_of_them(database: Database) -> None:
    def hand_over() -> None:
        with pytest.raises(_StopError), SqlOutbox(database).handing_over(NOW, 1_500):
            raise _StopError

    rows, events = plan_of(database, hand_over)

    assert (rows.table, rows.access, rows.key) == ("outbox", "range", "PRIMARY")
    assert events.key == BY_USER


def test_the_outbox_is_read_from_its_oldest_row_and_the_log_by_position(database: Database) -> None:
    rows, events = plan_of(database, lambda: SqlOutbox(database).due(NOW, 100))

    assert (rows.table, rows.key, rows.sorts_or_copies) == ("outbox", "PRIMARY", False)
    assert (events.access, events.key) == ("eq_ref", BY_USER)


@pytest.fixture(scope="module")
def catalogue(database: Database) -> SqlProductCatalogue:
    """Two thousand products with two attributes."""
    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")
    values = [{"brand": [f"brand {n % 100}"], "size": ["S", "M"][: 1 + n % 2]} for n in range(2_000)]
    products = [Product(product_id=f"p{n}", text="tea", attributes=attributes_of(v)) for n, v in enumerate(values)]
    catalogue.put([CataloguePut(product=in_catalogue(product=p), expected_revision=0) for p in products])
    analyze(database, "product_attributes")
    return catalogue


def test_products_with_an_attribute_are_found_by_it_alone(database: Database, catalogue: SqlProductCatalogue) -> None:
    [step] = plan_of(database, lambda: catalogue.having(attributes_of({"brand": ["brand 7"]})))

    assert (step.access, step.key, step.rows) == ("ref", "PRIMARY", 20)
    assert "Using index" in step.extra


def test_of_a_further_attribute_only_that_of_such_products_is_read(
    database: Database, catalogue: SqlProductCatalogue
) -> None:
    wanted = attributes_of({"size": ["M"], "brand": ["brand 7"]})

    first, second = plan_of(database, lambda: catalogue.having(wanted))

    assert (first.access, first.key, first.rows) == ("ref", "PRIMARY", 20)
    assert (second.access, second.rows) == ("eq_ref", 1)


def test_the_names_of_attributes_are_read_without_their_values(
    database: Database, catalogue: SqlProductCatalogue
) -> None:
    [step] = plan_of(database, catalogue.attribute_names)

    assert (step.key, "group-by" in step.extra, step.sorts_or_copies) == ("PRIMARY", True, False)
