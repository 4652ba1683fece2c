"""How long single calls take, each for a user, by several contestants in turn."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

COLUMNS = ("", "calls", "p50 ms", "p99 ms", "longest ms", "processor ms")
"""The last is the mean of what this process used itself: a neighbour makes calls wait, but not work more."""

Ask = Callable[[str], object]


class Latencies:
    """Of one contestant."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.processor_ms: list[float] = []

    def add(self, ask: Ask, user_id: str) -> None:
        """Ask, and keep how long it took."""
        start, processor = time.perf_counter(), time.process_time()
        ask(user_id)
        self.processor_ms.append(1_000 * (time.process_time() - processor))
        self.ms.append(1_000 * (time.perf_counter() - start))

    def raw(self) -> Mapping[str, Sequence[float]]:
        return {"ms": self.ms, "processor_ms": self.processor_ms}

    def cells(self) -> Sequence[str]:
        """As COLUMNS name them, without the first."""
        percentiles = (f"{np.percentile(self.ms, percent):.1f}" for percent in (50, 99, 100))
        return [str(len(self.ms)), *percentiles, f"{np.mean(self.processor_ms):.1f}"]


def asked(ask: Ask, users: Sequence[str]) -> Latencies:
    """One contestant alone."""
    latencies = Latencies()
    for user_id in users:
        latencies.add(ask, user_id)
    return latencies


def asked_in_turn(contestants: Mapping[str, Ask], users: Sequence[str], warm_up: int) -> Mapping[str, Latencies]:
    """Each user is asked for by all, one after the other, so that a busy moment is one for all.

    The first `warm_up` users do not count.
    """
    latencies = {name: Latencies() for name in contestants}
    for user_id in users[:warm_up]:
        for ask in contestants.values():
            ask(user_id)
    for user_id in users[warm_up:]:
        for name, ask in contestants.items():
            latencies[name].add(ask, user_id)
    return latencies
