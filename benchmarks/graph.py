"""Into Neo4j: the graph's consumer beside one transaction an event."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from attrs import asdict, evolve, frozen

from adapters.neo4j.schema import CONSTRAINTS
from application.ports.queues import GRAPH_QUEUE
from benchmarks import crew, shop, stack
from benchmarks.measure import spread
from benchmarks.report import Report
from domain.edges import edges_of
from domain.interaction import Interaction
from tests import services
from tests.services.child import Child

EVENTS = 10_000
PLAIN_EVERY = 10
"""The plain way gets every so manieth of the events, or it would take minutes."""

ROUNDS = 3
"""Counted ones, after one in which Neo4j's machine learns the statements."""

WANTED_TIMES, WANTED_RATE, ALLOWED_MIB = 10, 1_000, 256

LONG_SECONDS = 300

PLAIN = """
MERGE (user:User {user_id: $user_id})
MERGE (product:Product {product_id: $product_id})
MERGE (user)-[edge:PURCHASED]->(product)
ON CREATE SET edge.count = 1, edge.first = $at, edge.last = $at
ON MATCH SET edge.count = edge.count + 1,
             edge.first = CASE WHEN edge.first <= $at THEN edge.first ELSE $at END,
             edge.last = CASE WHEN edge.last >= $at THEN edge.last ELSE $at END
"""
APPLIED = """
MATCH (user:User) WHERE user.position > 0
RETURN coalesce(sum(user.position), 0) AS positions, coalesce(sum(size(user.missing)), 0) AS gaps
"""


@frozen(kw_only=True)
class Graphed:
    """What a round came to."""

    events: int
    seconds: float
    wrong_edges: int
    peak_bytes: int
    cpu: Mapping[str, float]
    """Processor seconds by process."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def main(report: Report) -> None:
    """Let both work in turn, and print the table."""
    events = shop.purchases(EVENTS)
    with stack.running() as servers, services.neo4j() as neo4j:
        rounds = rounds_in_turn(servers, neo4j, events)
        ours, plain = rounds["Penchant"], rounds["plain"]
        ratios = sorted(one.rate / other.rate for one, other in zip(ours, plain, strict=True))
        report.table(
            "graph",
            f"{EVENTS:,} purchases into Neo4j by one worker; plain: a transaction an event; {ROUNDS} rounds in turn",
            ("", "events", "events/s", "wrong edges", "MiB", "processor ms an event"),
            [
                (
                    who,
                    f"{some[0].events:,}",
                    spread([one.rate for one in some]),
                    ", ".join(str(one.wrong_edges) for one in some),
                    f"{peak / 2**20:.0f}" if (peak := max(one.peak_bytes for one in some)) else "",
                    _cpu(some),
                )
                for who, some in rounds.items()
            ],
            raw={who: [asdict(one) for one in some] for who, some in rounds.items()},
            notes=(
                f"Penchant is {statistics.median(ratios):.1f} times as fast ({ratios[0]:.1f} to {ratios[-1]:.1f}).",
                f"Wanted: {WANTED_TIMES} times, {WANTED_RATE:,} events/s a worker, under {ALLOWED_MIB} MiB.",
                f"Neo4j {neo4j.version}; {servers.described}",
            ),
        )


def rounds_in_turn(
    servers: stack.Stack, neo4j: services.Neo4jServer, events: Sequence[Interaction]
) -> Mapping[str, Sequence[Graphed]]:
    """The counted rounds of both, one after the other, each on an empty graph."""
    rounds: dict[str, list[Graphed]] = {"Penchant": [], "plain": []}
    for _ in range(ROUNDS + 1):
        rounds["Penchant"].append(penchant_round(servers, neo4j, events))
        rounds["plain"].append(plain_round(neo4j, events[::PLAIN_EVERY]))
    return {name: some[1:] for name, some in rounds.items()}


def penchant_round(servers: stack.Stack, neo4j: services.Neo4jServer, events: Sequence[Interaction]) -> Graphed:
    """One worker, frozen until everything waits in its queue; the clock starts as it goes on."""
    with graph_space(servers, neo4j) as space, space.container() as container:
        shop.record(container, events)
        with graph_worker(space) as worker, worker.watched():
            worker.child.pause()
            shop.publish(container)
            pids = {"Penchant": worker.child.pid, **_pids(neo4j)}
            before, start = crew.cpu_seconds(pids), crew.now()
            worker.child.resume()
            with closing(crew.Depth(servers.rabbitmq, space.rabbitmq_url, GRAPH_QUEUE)) as depth:
                services.wait_until(lambda: not depth.ready(), LONG_SECONDS, "the queue to be empty")
            wait_until_applied(neo4j, len(events))
            seconds = crew.now() - start
            used = crew.used_since(before, crew.cpu_seconds(pids))
        return Graphed(
            events=len(events),
            seconds=seconds,
            wrong_edges=wrong_edges(neo4j, events),
            peak_bytes=worker.peak_bytes,
            cpu=used,
        )


def plain_round(neo4j: services.Neo4jServer, events: Sequence[Interaction]) -> Graphed:
    """One transaction an event over one connection, with the same constraints; from a list, not from a broker."""
    with neo4j.graph(), neo4j.connect() as driver, driver.session() as session:
        for name, constraint in CONSTRAINTS.items():
            session.run(f"CREATE CONSTRAINT {name} {constraint}").consume()
        pids, own = _pids(neo4j), time.process_time()
        before, start = crew.cpu_seconds(pids), crew.now()
        for event in events:
            session.run(PLAIN, user_id=event.user_id, product_id=event.product_id, at=event.occurred_at).consume()
        seconds = crew.now() - start
        used = crew.used_since(before, crew.cpu_seconds(pids)) | {"client": time.process_time() - own}
        return Graphed(
            events=len(events), seconds=seconds, wrong_edges=wrong_edges(neo4j, events), peak_bytes=0, cpu=used
        )


@contextmanager
def graph_space(servers: stack.Stack, neo4j: services.Neo4jServer) -> Iterator[stack.Space]:
    """A fresh space with an empty graph."""
    with neo4j.graph() as url, servers.space() as space:
        yield evolve(space, environment={**space.environment, "NEO4J_URL": url})


@contextmanager
def graph_worker(space: stack.Space) -> Iterator[crew.Crew]:
    """A worker of the graph that has begun to consume."""
    command = crew.penchant("worker", "--queue", "neo4j", "--no-relay")
    with crew.program(command, space.environment, "graph-worker") as child:
        crew.wait_for_consumers(space.stack.rabbitmq, space.rabbitmq_url, GRAPH_QUEUE, 1, child)
        yield crew.Crew(child, supervised=False)


def wait_until_applied(neo4j: services.Neo4jServer, events: int) -> None:
    """Wait until the graph says that it has applied so many, and misses none."""
    with neo4j.connect() as driver:

        def applied() -> bool:
            [record] = driver.execute_query(APPLIED).records
            return (record["positions"], record["gaps"]) == (events, 0)

        services.wait_until(applied, LONG_SECONDS, "the graph to have applied everything")


def wrong_edges(neo4j: services.Neo4jServer, events: Sequence[Interaction]) -> int:
    """How many edges are missing, are too many, or differ from what these events come to."""
    with neo4j.connect() as driver:
        records = driver.execute_query(
            "MATCH (u:User)-[e:PURCHASED]->(p:Product) RETURN u.user_id AS user_id, p.product_id AS product_id,"
            " e.count AS count, e.first AS first, e.last AS last"
        ).records
    found = {
        (r["user_id"], r["product_id"], r["count"], r["first"].to_native(), r["last"].to_native()) for r in records
    }
    expected = {(e.user_id, e.subject, e.count, e.first, e.last) for e in edges_of(events)}
    return len({edge[:2] for edge in found ^ expected})


def _pids(neo4j: services.Neo4jServer) -> Mapping[str, int]:
    """Neo4j's process, where it is a child of ours."""
    return {"Neo4j": neo4j.runner.pid} if isinstance(neo4j.runner, Child) else {}


def _cpu(rounds: Sequence[Graphed]) -> str:
    """Where the processors' time went in the median round."""
    typical = sorted(rounds, key=lambda one: one.rate)[len(rounds) // 2]
    return ", ".join(f"{name} {1_000 * seconds / typical.events:.2f}" for name, seconds in typical.cpu.items())
