"""What goes with a basket, read from Neo4j, alone and in a whole recommendation: the purchases of a real shop."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from adapters.online_retail.dataset import OnlineRetail
from application.active_recipe import adopt_recipe
from application.event_message import Submission
from application.recommend import Wishes
from application.shopper import Wanted
from benchmarks.latency import COLUMNS, Ask, asked_in_turn
from benchmarks.report import Report
from domain.blend import BASKET, DEPTH, Source
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests import services

WARM_UP = 40
"""Users who do not count: until Neo4j's machine has learned the statement."""
USERS = 200
BATCH = 4_000
WANTED_MS = 200
WITHOUT = (Source.EMBEDDING, Source.POPULAR)


def main(report: Report) -> None:
    """Fill a graph with the shop, ask, and print the table."""
    with services.neo4j() as neo4j, neo4j.graph() as url, _filled(url) as container:
        measure(report, container, neo4j.version)


def measure(report: Report, container: Container, version: str) -> None:
    """Ask for users in turn, and print the table."""
    latencies = asked_in_turn(_contestants(container), _some_users(container), WARM_UP)
    report.table(
        "bought_with",
        f"What goes with the {BASKET} products bought last, from Neo4j, one user at a time, {USERS} users in turn",
        COLUMNS,
        [(who, *some.cells()) for who, some in latencies.items()],
        raw={who: some.raw() for who, some in latencies.items()},
        notes=(
            f"{container.event_log().count():,} events of {container.event_log().user_count():,} users.",
            f"Wanted: p99 under {WANTED_MS} ms.",
            f"Neo4j {version}",
        ),
    )


@contextmanager
def _filled(neo4j_url: str) -> Iterator[Container]:
    """The whole shop, as if its last day were yesterday: recorded, applied, and in the graph."""
    with tempfile.TemporaryDirectory(prefix="penchant-graph-") as folder:
        container = Container(settings=Settings(PENCHANT_HOME=Path(folder), NEO4J_URL=neo4j_url))
        container.schema().upgrade()
        container.neo4j_schema().install()
        adopt_recipe(container.registry(), container.recipe())
        try:
            container.import_products()(OnlineRetail().products())
            submissions = _purchases()
            for start in range(0, len(submissions), BATCH):
                container.record()(submissions[start : start + BATCH])
            container.work().drain(BATCH)
            container.graph_consumer.rebuild().all()
            yield container
        finally:
            container.shutdown_resources()


def _purchases() -> Sequence[Submission]:
    shift = timedelta(days=(datetime.now(UTC).date() - OnlineRetail.last_day).days - 1)
    return [submission for _, submission in OnlineRetail().submissions(shift) if submission is not None]


def _some_users(container: Container) -> Sequence[str]:
    ids = [user_id for user_id, _ in container.event_log().heads(None, container.event_log().user_count())]
    return [str(user_id) for user_id in np.random.default_rng(1).permutation(ids)[: WARM_UP + USERS]]


def _contestants(container: Container) -> Mapping[str, Ask]:
    read, source = container.read_shopper(), container.sources()[Source.BOUGHT_WITH]
    recommend = container.recommend()

    def bought_with(user_id: str) -> object:
        shopper = read(user_id)
        return source(shopper, Wanted(limit=DEPTH, without=frozenset(shopper.bought)))

    return {
        "bought_with, and reading the user": bought_with,
        "recommend": lambda user_id: recommend(user_id, Wishes()),
        "recommend without it": lambda user_id: recommend(user_id, Wishes(sources=WITHOUT)),
    }
