"""Prints the table of docs/query-plans.md: `.venv/bin/python -m benchmarks.query_plans`.

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
from application.ports.event_log import LogFilter
from tests.builders import NOW, bought, days_ago, searched
from tests.integration.mysql_tables import append, opened
from tests.integration.query_plans import analyze, plan_of
from tests.services import mysql

EVENTS = 120_000
USERS = 1_200
PRODUCTS = 3_000
DAYS = 400
SEARCHES = 0.2
PAGE = 5_000


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


def main() -> None:
    """Fill a log, and print a row for each table of each plan."""
    with mysql() as server, server.database() as url, opened(url) as [database]:
        _fill(SqlEventLog(database))
        analyze(database, "user_interactions", "user_heads", "outbox")
        print(f"{server.version}, {EVENTS:,} events of {USERS:,} users and {PRODUCTS:,} products over {DAYS} days\n")
        _print_row("what", "ms", "table", "access", "index", "rows expected", "remarks")
        _print_row(*["---"] * 7)
        for name, send in _queries(database).items():
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
