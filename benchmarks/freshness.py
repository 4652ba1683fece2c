"""How long after an event is recorded a reader of the store sees it, at a steady rate."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import numpy as np
from attrs import asdict, define, field, frozen

from benchmarks import crew, shop, stack
from benchmarks.drain import generated
from benchmarks.progress import Progress, applied_by_penchant
from benchmarks.report import Report
from entrypoints.container import Container

RATE = 1_000
SECONDS = 60
USERS = 500
EVERY = 20
"""Every so manieth user is watched, from the busiest on."""

LOOK_SECONDS = 0.01
WORKERS = (1, 2)
ALLOWED_P95_SECONDS = 1.0


@frozen(kw_only=True)
class Freshness:
    """Seconds from `recorded_at` in the log until a reader saw the event applied."""

    events_per_second: float
    watched: int
    """Events of the watched users."""
    p50: float
    p95: float
    p99: float
    longest: float
    never: int
    """Watched events that were not seen applied."""
    peak_bytes: int
    cores: Mapping[str, float]
    """Processor seconds a second, by process."""


def main(report: Report) -> None:
    """Measure with one and with two workers, and print the table."""
    with stack.running() as servers:
        runs = {workers: measure(servers, workers) for workers in WORKERS}
        report.table(
            "freshness",
            f"From recorded to seen in the store, {RATE:,} events/s for {SECONDS} s, {shop.DIMENSIONS} dimensions",
            ("workers (with relay)", "recorded/s", "watched", "p50", "p95", "p99", "longest", "never", "MiB"),
            [
                (
                    str(workers),
                    f"{run.events_per_second:,.0f}",
                    f"{run.watched:,}",
                    *(f"{1_000 * value:,.0f} ms" for value in (run.p50, run.p95, run.p99, run.longest)),
                    str(run.never),
                    f"{run.peak_bytes / 2**20:.0f}",
                )
                for workers, run in runs.items()
            ],
            raw={str(workers): asdict(run) for workers, run in runs.items()},
            notes=(
                "From recorded_at in the log until a reader of the store sees the position applied.",
                f"The reader polls {USERS // EVERY} users, busy and quiet, every {LOOK_SECONDS * 1_000:g} ms.",
                f"Wanted: p95 < {ALLOWED_P95_SECONDS:g} s.",
                *(_cores(workers, run) for workers, run in runs.items()),
                servers.described,
            ),
        )


def measure(servers: stack.Stack, workers: int) -> Freshness:
    """One run of real processes: `penchant events generate`, and workers with their relays."""
    events = RATE * SECONDS
    with servers.space() as space, space.container() as container:
        shop.put_products(container, shop.purchases())
        user_ids = [f"load-user-{rank}" for rank in range(0, USERS, EVERY)]
        with crew.workers(space, workers) as crew_, crew_.watched(), Reader(space, user_ids).reading() as reader:
            pids = {**servers.pids(), "workers": crew_.child.pid}
            before, own, start = crew.cpu_seconds(pids), time.process_time(), crew.now()
            told = generated(
                space, "--users", str(USERS), "--events-per-user", str(events // USERS), "--rate", str(RATE)
            )
            Progress(space, stack.WORK_QUEUE, stack.USER_EMBEDDINGS, applied_by_penchant, events).follow()
            used = crew.used_since(before, crew.cpu_seconds(pids)) | {"reader": time.process_time() - own}
            seconds = crew.now() - start
        waits = reader.waits(container)
    p50, p95, p99 = np.percentile(waits.seconds, (50, 95, 99))
    return Freshness(
        events_per_second=told["events_per_second"],
        watched=len(waits.seconds) + waits.never,
        p50=float(p50),
        p95=float(p95),
        p99=float(p99),
        longest=max(waits.seconds),
        never=waits.never,
        peak_bytes=crew_.peak_bytes,
        cores={name: spent / seconds for name, spent in used.items()},
    )


def _cores(workers: int, run: Freshness) -> str:
    used = ", ".join(f"{name} {cores:.2f}" for name, cores in run.cores.items())
    return f"With {workers}: processor seconds a second: {used}"


@frozen(kw_only=True)
class Waits:
    """How long watched events took to be seen, and how many were not seen."""

    seconds: Sequence[float]
    never: int


@define(eq=False)
class Reader:
    """Polls the documents of some users, and notes when each of their positions is first seen applied."""

    _space: stack.Space
    _user_ids: Sequence[str]
    _seen: dict[str, dict[int, datetime]] = field(factory=dict, init=False)

    @contextmanager
    def reading(self) -> "Iterator[Reader]":
        """Read while the block runs, and once after it."""
        done = Event()
        thread = Thread(target=self._read, args=(done,), name="reader")
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()

    def waits(self, container: Container) -> Waits:
        """Compare with the log."""
        seconds: list[float] = []
        never = 0
        for page in container.event_log().history(self._user_ids):
            for logged in page:
                at = self._seen.get(logged.event.user_id, {}).get(logged.position)
                if at is None:
                    never += 1
                else:
                    seconds.append((at - logged.recorded_at).total_seconds())
        return Waits(seconds=seconds, never=never)

    def _read(self, done: Event) -> None:
        query, fields = {"_id": {"$in": list(self._user_ids)}}, {"position": 1, "missing": 1}
        with self._space.stack.mongodb.connect() as client:
            documents = client[self._space.mongodb.database][stack.USER_EMBEDDINGS]
            last = False
            while not last:
                last = done.is_set()
                found = list(documents.find(query, fields))
                at = datetime.now(UTC)
                for document in found:
                    self._note(document, at)
                time.sleep(LOOK_SECONDS)

    def _note(self, document: Mapping[str, Any], at: datetime) -> None:
        seen = self._seen.setdefault(document["_id"], {})
        missing = {gap for first, last in document["missing"] for gap in range(first, last + 1)}
        # All but the latest and the gaps were seen before: look only at what may be new.
        for position in range(document["position"], 0, -1):
            if position in seen and len(seen) + len(missing) >= document["position"]:
                break
            if position not in missing:
                seen.setdefault(position, at)
