"""Prints the tables of docs/query-plans.md: `.venv/bin/python -m benchmarks.query_plans`.

Takes the server that the tests would take (DATABASE_URL, Docker, or a program on this machine), in a database of its
own that is dropped at the end.
"""

from collections.abc import Callable
from itertools import islice
from time import perf_counter

import numpy as np

from adapters.sql.database import Database
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.product_catalogue import SqlProductCatalogue
from application.ports.event_log import LogFilter
from application.ports.product_catalogue import CataloguePut
from domain.attributes import attributes_of
from domain.product import Product
from tests.builders import DIMENSIONS, NOW, bought, days_ago, in_catalogue, searched
from tests.integration.mysql_tables import append, opened
from tests.integration.query_plans import analyze, plan_of
from tests.services import mysql

EVENTS = 120_000
USERS = 1_200
PRODUCTS = 3_000
DAYS = 400
SEARCHES = 0.2
PAGE = 5_000

CATALOGUE = 100_000
SIZES = ("XS", "S", "M", "L", "XL")


def _fill(log: SqlEventLog) -> None:
    dice = np.random.default_rng(1)
    for start in range(0, EVENTS, PAGE):
        users, products = dice.integers(USERS, size=PAGE), dice.integers(PRODUCTS, size=PAGE)
        ages, kinds = dice.random(PAGE) * DAYS, dice.random(PAGE)
        append(
            log,
            [
                searched(f"m{start + n}", f"phrase {products[n]}", f"user-{users[n]}", float(ages[n]))
                if kinds[n] < SEARCHES
                else bought(f"m{start + n}", f"product-{products[n]}", f"user-{users[n]}", float(ages[n]))
                for n in range(PAGE)
            ],
        )


def _queries(database: Database) -> dict[str, Callable[[], object]]:
    log, outbox = SqlEventLog(database), SqlOutbox(database)

    def replay(events: LogFilter, pages: int = 1) -> Callable[[], object]:
        return lambda: list(islice(log.matching(events), pages))

    month = days_ago(30)
    return {
        "replay --user": replay(LogFilter(user_id="user-7")),
        "replay --user --from": replay(LogFilter(user_id="user-7", occurred_from=month)),
        "replay --from --to, a day": replay(LogFilter(occurred_from=days_ago(9), occurred_before=days_ago(8))),
        "replay --from, second page": replay(LogFilter(occurred_from=days_ago(200)), pages=2),
        "replay --product": replay(LogFilter(product_id="product-7")),
        "replay --product --from": replay(LogFilter(product_id="product-7", occurred_from=month)),
        "replay, everything, second page": replay(LogFilter(), pages=2),
        "replay --dry-run --from": lambda: log.count_matching(LogFilter(occurred_from=month)),
        "rebuild of one user": lambda: list(log.history(["user-7"])),
        "rebuild of 100 users": lambda: list(log.history([f"user-{n}" for n in range(100)])),
        "last 50 events of 100 users": lambda: list(log.last_events({f"user-{n}": 70 for n in range(100)}, 50)),
        "last event of 100 users": lambda: list(log.last_events({f"user-{n}": 70 for n in range(100)}, 1)),
        "repeats among 500 message ids": lambda: log.find([f"m{n}" for n in range(500)]),
        "heads, a page of catch-up": lambda: log.heads("user-3", 1_000),
        "users of a product": lambda: log.users_of_products(["product-7"]),
        "outbox, 500 oldest": lambda: outbox.due(NOW, 500),
    }


def _fill_catalogue(catalogue: SqlProductCatalogue) -> None:
    dice = np.random.default_rng(1)
    for start in range(0, CATALOGUE, PAGE):
        colours, brands, prices = (dice.integers(values, size=PAGE) for values in (10, 500, 5_000))
        first = dice.integers(len(SIZES), size=PAGE)
        attributes = [
            {
                "colour": [f"colour {colours[n]}"],
                "brand": [f"brand {brands[n]}"],
                "price": [f"{prices[n]}"],
                "size": [SIZES[first[n]], SIZES[first[n] - 1]],
            }
            for n in range(PAGE)
        ]
        products = [
            Product(product_id=f"product-{start + n}", text="a product", attributes=attributes_of(values))
            for n, values in enumerate(attributes)
        ]
        catalogue.put([CataloguePut(product=in_catalogue(product=p), expected_revision=0) for p in products])


def _filters(catalogue: SqlProductCatalogue) -> dict[str, Callable[[], object]]:
    wanted = {
        "1 of 500 brands": {"brand": ["brand 7"]},
        "1 of 10 colours": {"colour": ["colour 7"]},
        "a size that 2 of 5 have": {"size": ["M"]},
        "a colour and a size": {"colour": ["colour 7"], "size": ["M"]},
        "a brand, two colours and a size": {"brand": ["brand 7"], "colour": ["colour 7", "colour 8"], "size": ["M"]},
    }
    having = {
        name: lambda values=values: catalogue.having(attributes_of(values))  # type: ignore[misc]
        for name, values in wanted.items()
    }
    return {**having, "names of attributes": catalogue.attribute_names}


def main() -> None:
    """Fill a log and a catalogue, and print a row for each table of each plan."""
    with mysql() as server, server.database() as url, opened(url) as [database]:
        _fill(SqlEventLog(database))
        analyze(database, "user_interactions", "user_heads", "outbox")
        print(f"{server.version}, {EVENTS:,} events of {USERS:,} users and {PRODUCTS:,} products over {DAYS} days\n")
        _print_plans(database, _queries(database))
        catalogue = SqlProductCatalogue(database, DIMENSIONS, in_catalogue().model)
        _fill_catalogue(catalogue)
        analyze(database, "product_attributes")
        print(f"\n{CATALOGUE:,} products with a colour, a brand, a price and two sizes\n")
        _print_plans(database, _filters(catalogue))


def _print_plans(database: Database, queries: dict[str, Callable[[], object]]) -> None:
    _print_row("what", "ms", "table", "access", "index", "rows expected", "remarks")
    _print_row(*["---"] * 7)
    for name, send in queries.items():
        send()
        start = perf_counter()
        send()
        milliseconds = 1_000 * (perf_counter() - start)
        cells = [name, f"{milliseconds:.0f}"]
        for step in plan_of(database, send):
            _print_row(*cells, step.table, step.access, step.key or "", f"{step.rows:,}", step.extra)
            cells = ["", ""]


def _print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
