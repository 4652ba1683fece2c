"""Times things in turn, so that a machine that slows down slows all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

RUNS = 7


def in_turn(contestants: Mapping[str, Callable[[], object]], runs: int = RUNS) -> dict[str, list[float]]:
    """Seconds of each of `runs` runs of each contestant, A B C A B C …, after one run that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for run in range(runs + 1):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            if run:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float], scale: float = 1.0) -> str:
    """Median (smallest to largest)."""
    scaled = sorted(scale * value for value in values)
    return f"{statistics.median(scaled):,.0f} ({scaled[0]:,.0f} to {scaled[-1]:,.0f})"
