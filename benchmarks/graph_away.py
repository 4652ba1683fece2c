"""How fresh the embeddings stay while Neo4j is away, and how soon the graph has caught up."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from attrs import asdict, frozen

from application.ports.queues import WORK_QUEUE
from benchmarks import crew, shop, stack
from benchmarks.drain import generated
from benchmarks.freshness import ALLOWED_P95_SECONDS, Reader
from benchmarks.graph import graph_space, graph_worker, wait_until_applied
from benchmarks.report import Report
from tests import services

RATE, USERS, EVENTS_OF_USER = 250, 500, 22
"""What is recorded takes USERS * EVENTS_OF_USER / RATE seconds, longer than Neo4j is up and away."""

UP_SECONDS, AWAY_SECONDS = 5, 30
WATCHED_EVERY = 20


@frozen(kw_only=True)
class Away:
    """How the embeddings fared while Neo4j was away, and the graph afterwards."""

    recorded: int
    events_per_second: float
    p50: float
    p95: float
    longest: float
    watched: int
    never: int
    caught_up_seconds: float
    """From the time at which Neo4j was asked to start until the graph had applied everything."""
    dead: int
    mismatches: int
    peak_bytes: int


def main(report: Report) -> None:
    """Measure, and print the table."""
    with stack.running() as servers, services.neo4j() as neo4j:
        run = away(servers, neo4j)
        report.table(
            "graph_away",
            f"The embeddings while Neo4j is stopped for {AWAY_SECONDS} s, {shop.DIMENSIONS} dimensions, 1 run",
            ("recorded/s", "watched", "p50", "p95", "longest", "never", "graph caught up after", "dead", "wrong"),
            [
                (
                    f"{run.events_per_second:,.0f}",
                    f"{run.watched:,}",
                    *(f"{1_000 * value:,.0f} ms" for value in (run.p50, run.p95, run.longest)),
                    str(run.never),
                    f"{run.caught_up_seconds:.1f} s",
                    str(run.dead),
                    str(run.mismatches),
                )
            ],
            raw=asdict(run),
            notes=(
                "From recorded_at until a reader of the store sees it, while Neo4j is up, away and back.",
                f"Wanted: p95 < {ALLOWED_P95_SECONDS:g} s.",
                "The graph's time counts from the start of Neo4j, which takes seconds itself.",
                f"Neo4j {neo4j.version}; {servers.described}",
            ),
        )


def away(servers: stack.Stack, neo4j: services.Neo4jServer) -> Away:
    """Real processes, of the embeddings and of the graph, while Neo4j is stopped and started again."""
    events = USERS * EVENTS_OF_USER
    load = ("--users", str(USERS), "--events-per-user", str(EVENTS_OF_USER), "--rate", str(RATE))
    watched = [f"load-user-{rank}" for rank in range(0, USERS, WATCHED_EVERY)]
    with graph_space(servers, neo4j) as space, space.container() as container:
        [verify] = [proof.verify for proof in container.graph_consumer.proofs()]
        shop.put_products(container, shop.purchases())
        with (
            ThreadPoolExecutor(1) as beside,
            crew.workers(space, 1, "--queue", WORK_QUEUE),
            graph_worker(space) as worker,
            worker.watched(),
        ):
            with Reader(space, watched).reading() as reader:
                telling = beside.submit(generated, space, *load)
                time.sleep(UP_SECONDS)
                neo4j.stop()
                time.sleep(AWAY_SECONDS)
                started = crew.now()
                neo4j.start()
                told = telling.result()
                wait_until_applied(neo4j, events)
                caught_up = crew.now() - started
            waits = reader.waits(container)
            container.collect_dead_letters()()
        p50, p95 = np.percentile(waits.seconds, (50, 95))
        return Away(
            recorded=told["recorded"],
            events_per_second=told["events_per_second"],
            p50=float(p50),
            p95=float(p95),
            longest=max(waits.seconds),
            watched=len(waits.seconds) + waits.never,
            never=waits.never,
            caught_up_seconds=caught_up,
            dead=len(container.dead_letters().list(10)),
            mismatches=sum(len(verify(page).mismatches) for page in verify.pages()),
            peak_bytes=worker.peak_bytes,
        )
