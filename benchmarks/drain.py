"""A generated load on the whole program: how long three workers take, how deep the queue gets, how much memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from attrs import asdict, define, frozen

from benchmarks import crew, shop, stack
from benchmarks.progress import Progress, applied_by_penchant
from benchmarks.report import Report

WORKERS = 3
LOADS = {5_000: (100, 50), 50_000: (1_000, 50)}
"""Users and events of each, by the number of all events."""

SAMPLE_SECONDS = 0.2
ALLOWED_SECONDS = 60
ALLOWED_DEPTH = 5_000
ALLOWED_MIB = 256


@define
class Deepest:
    """The most messages that were seen at once: in the queue and at the workers, and of these in the queue."""

    all: int = 0
    ready: int = 0


@frozen(kw_only=True)
class Drained:
    """What a load came to. Seconds count from the start of `penchant events generate`."""

    recorded: int
    recorded_per_second: float
    seconds: float
    seconds_after_last_recorded: float
    deepest: int
    deepest_ready: int
    peak_bytes: int
    mismatches: int
    lag: int


def main(report: Report) -> None:
    """Generate both loads, and print the table."""
    with stack.running() as servers:
        loads = {events: drain(servers, *load) for events, load in LOADS.items()}
        report.table(
            "drain",
            f"`penchant events generate` and {WORKERS} workers with their relays, {shop.DIMENSIONS} dimensions",
            (
                "events",
                "recorded/s",
                "all applied after",
                "after the last was recorded",
                "deepest queue",
                "wrong",
                "MiB",
            ),
            [
                (
                    f"{events:,}",
                    f"{load.recorded_per_second:,.0f}",
                    f"{load.seconds:.1f} s",
                    f"{load.seconds_after_last_recorded:.1f} s",
                    f"{load.deepest:,} ({load.deepest_ready:,} not taken)",
                    f"{load.mismatches}, {load.lag} late",
                    f"{load.peak_bytes / 2**20:.0f}",
                )
                for events, load in loads.items()
            ],
            raw={str(events): asdict(load) for events, load in loads.items()},
            notes=(
                f"Wanted: 5,000 in {ALLOWED_SECONDS} s, never {ALLOWED_DEPTH:,} deep, under {ALLOWED_MIB} MiB a worker",
                servers.described,
            ),
        )


def drain(servers: stack.Stack, users: int, events_per_user: int) -> Drained:
    """One load."""
    events = users * events_per_user
    with servers.space() as space, space.container() as container:
        shop.put_products(container, shop.purchases())
        with crew.workers(space, WORKERS) as workers, workers.watched(), depth_watched(space) as deepest:
            start = crew.now()
            told = generated(space, "--users", str(users), "--events-per-user", str(events_per_user))
            recorded = crew.now()
            progress = Progress(space, stack.WORK_QUEUE, stack.USER_EMBEDDINGS, applied_by_penchant, events)
            progress.follow()
        report = container.verify().all()
        return Drained(
            recorded=told["recorded"],
            recorded_per_second=told["events_per_second"],
            seconds=progress.last - start,
            seconds_after_last_recorded=max(0.0, progress.last - recorded),
            deepest=deepest.all,
            deepest_ready=deepest.ready,
            peak_bytes=workers.peak_bytes,
            mismatches=len(report.mismatches),
            lag=report.lag,
        )


def generated(space: stack.Space, *options: str) -> dict[str, Any]:
    """What `penchant events generate` says at its end."""
    done = subprocess.run(
        [sys.executable, *crew.penchant("events", "generate", *options, "--json")],
        env=space.program_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr + done.stdout)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def depth_watched(space: stack.Space) -> Iterator[Deepest]:
    """Sample the depth of the work queue, through the management API and by asking the queue itself."""
    done, deepest = Event(), Deepest()
    server = space.stack.rabbitmq
    vhost = quote(urlsplit(space.rabbitmq_url).path.removeprefix("/"), safe="")
    path = f"/api/queues/{vhost}/{stack.WORK_QUEUE}"

    def sample() -> None:
        with closing(crew.Depth(server, space.rabbitmq_url, stack.WORK_QUEUE)) as depth:
            while not done.wait(SAMPLE_SECONDS):
                deepest.ready = max(deepest.ready, depth.ready())
                deepest.all = max(deepest.all, server.management("GET", path).get("messages", 0))

    thread = Thread(target=sample, name="depth")
    thread.start()
    try:
        yield deepest
    finally:
        done.set()
        thread.join()
