"""Where the time of one worker goes, by what it waits for; and the same with the store in memory."""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from attrs import asdict, define, field
from dependency_injector import providers

from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from benchmarks import crew, shop, stack
from benchmarks.report import Report
from domain.interaction import Interaction

PARTS = ("message_source", "store", "catalogue", "phrase_vectors", "event_log", "registry")
OURS = "fold, settlement and all else"
SHOWN_MICROSECONDS = 0.1


@define
class Spent:
    """Time in one kind of call."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Of our own process; the rest is waiting for a server or for a core."""
    calls: int = 0


@define
class Stopwatch:
    """Time by call."""

    by_call: dict[str, Spent] = field(factory=dict)

    def run(self, name: str, call: Any, *arguments: Any, **named: Any) -> Any:
        spent = self.by_call.setdefault(name, Spent())
        start, start_processor = crew.now(), time.process_time()
        try:
            return call(*arguments, **named)
        finally:
            spent.seconds += crew.now() - start
            spent.processor_seconds += time.process_time() - start_processor
            spent.calls += 1


class Timed:
    """A part whose calls are timed."""

    def __init__(self, part: Any, name: str, stopwatch: Stopwatch) -> None:
        self._part = part
        self._name = name
        self._stopwatch = stopwatch

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._part, attribute)
        return partial(self._stopwatch.run, f"{self._name}.{attribute}", value) if callable(value) else value


def main(report: Report) -> None:
    """Print the tables."""
    real = shop.purchases()
    orders = {"as they happened": real, "mixed": shop.mixed(real)}
    with stack.running() as servers:
        for order, events in orders.items():
            runs = {
                "MongoDB": one_worker(servers, events, in_memory=False),
                "in memory": one_worker(servers, events, in_memory=True),
            }
            report.table(
                f"stages-{order.replace(' ', '-')}",
                f"One worker, {len(events):,} purchases {order}, batches of {shop.BATCH}: microseconds an event",
                ("", *(f"{what}, {store}" for store in runs for what in ("all", "our processor"))),
                _rows(runs, len(events)),
                raw={name: {call: asdict(spent) for call, spent in run.items()} for name, run in runs.items()},
                notes=(servers.described,),
            )


def one_worker(servers: stack.Stack, events: Sequence[Interaction], *, in_memory: bool) -> Mapping[str, Spent]:
    """Time by call of a worker in this process that finds all events in its queue; the first call is everything."""
    stopwatch = Stopwatch()
    with servers.space() as space, space.container() as container:
        if in_memory:
            container.store.override(providers.Object(MemoryUserEmbeddingStore()))
        for name in PARTS:
            provider = getattr(container, name)
            provider.override(providers.Object(Timed(provider(), name, stopwatch)))
        shop.open_shop(container, events)
        shop.record(container, events)
        shop.publish(container)
        stopwatch.by_call.clear()
        stopwatch.run("all", shop.work_off, container, len(events))
        by_call = deepcopy(stopwatch.by_call)  # before verify reads
        container.message_source().close()
        assert not container.verify().all().mismatches
    whole = by_call.pop("all")
    parts = by_call.values()
    rest = Spent(
        seconds=whole.seconds - sum(spent.seconds for spent in parts),
        processor_seconds=whole.processor_seconds - sum(spent.processor_seconds for spent in parts),
    )
    return {"all": whole, OURS: rest, **by_call}


def _rows(runs: Mapping[str, Mapping[str, Spent]], events: int) -> list[tuple[str, ...]]:
    first = next(iter(runs.values()))
    calls = sorted(first, key=lambda call: -first[call].seconds)
    rows = [(call, *(cell for run in runs.values() for cell in _cells(run.get(call), events))) for call in calls]
    rates = [
        rate for run in runs.values() for rate in (events / run["all"].seconds, events / run["all"].processor_seconds)
    ]
    shown = [row for row in rows if any(float(cell) >= SHOWN_MICROSECONDS for cell in row[1:])]
    return [*shown, ("events/s", *(f"{rate:,.0f}" for rate in rates))]


def _cells(spent: Spent | None, events: int) -> tuple[str, str]:
    some = spent if spent is not None else Spent()
    return f"{some.seconds / events * 1e6:.1f}", f"{some.processor_seconds / events * 1e6:.1f}"
