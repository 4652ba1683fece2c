"""Where the time of one worker goes, by what it waits for; and the same with the store in memory."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from dependency_injector import providers

from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from benchmarks import crew, shop, stack
from benchmarks.report import Report
from domain.interaction import Interaction

WAIT_SECONDS = 5.0
PARTS = {
    "message_source": "the broker, and reading messages",
    "store": "the store",
    "catalogue": "the catalogue",
    "event_log": "the log",
    "registry": "the registry",
}
REST = "fold, settlement and the rest"


class Timed:
    """A part whose calls are timed."""

    def __init__(self, part: Any, name: str, seconds: dict[str, float]) -> None:
        self._part = part
        self._name = name
        self._seconds = seconds

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._part, attribute)
        if not callable(value):
            return value

        def timed(*arguments: Any, **named: Any) -> Any:
            start = crew.now()
            try:
                return value(*arguments, **named)
            finally:
                self._seconds[f"{self._name}.{attribute}"] += crew.now() - start

        return timed


def main(report: Report) -> None:
    """Print the tables."""
    real = shop.purchases()
    orders = {"as they happened": real, "mixed": shop.mixed(real)}
    with stack.running() as servers:
        for order, events in orders.items():
            runs = {
                "MongoDB": one_worker(servers, events, in_memory=False),
                "store in memory": one_worker(servers, events, in_memory=True),
            }
            calls = sorted(set().union(*runs.values()), key=lambda call: -runs["MongoDB"][call])
            report.table(
                f"stages-{order.replace(' ', '-')}",
                f"One worker in one process, {len(events):,} purchases {order}, batches of {shop.BATCH}:"
                " microseconds an event",
                ("", *runs),
                [(call, *(f"{run[call] / len(events) * 1e6:.1f}" for run in runs.values())) for call in calls]
                + [("events/s, without the relay", *(f"{_rate(run, events):,.0f}" for run in runs.values()))],
                raw={name: dict(run) for name, run in runs.items()},
                notes=(servers.described,),
            )


def one_worker(servers: stack.Stack, events: Sequence[Interaction], *, in_memory: bool) -> dict[str, float]:
    """Seconds by call, of a worker in this process that finds all events in its queue."""
    seconds: dict[str, float] = defaultdict(float)
    with servers.space() as space, space.container() as container:
        shop.put_products(container, events)
        shop.record(container, events)
        while container.relay()(1_000):
            pass
        if in_memory:
            container.store.override(providers.Object(MemoryUserEmbeddingStore()))
        for name in PARTS:
            provider = getattr(container, name)
            provider.override(providers.Object(Timed(provider(), name, seconds)))
        work, source = container.work(), container.message_source()
        left = len(events)
        try:
            start = crew.now()
            while left:
                done = work.batch(shop.BATCH, WAIT_SECONDS).deliveries
                assert done, f"{left} events did not come within {WAIT_SECONDS:g} s"
                left -= done
            whole = crew.now() - start
        finally:
            source.close()
        assert not container.verify().all().mismatches
    seconds[REST] = whole - sum(seconds.values())
    return seconds


def _rate(run: dict[str, float], events: Sequence[Interaction]) -> float:
    return len(events) / sum(run.values())
