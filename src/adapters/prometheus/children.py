"""Metrics of several processes under one, by prometheus_client's multiprocess mode: files in a folder."""

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder."""
SLOT = "PENCHANT_METRICS_SLOT"

BEING_WRITTEN = (struct.error, ValueError, RuntimeError, FileNotFoundError)
"""What the library raises for a file that a child has just made and not begun, or is writing to at this moment."""
ATTEMPTS = 20
PAUSE_SECONDS = 0.01


class ChildrenCollector(Collector):
    """The sum of the children: counters and histograms of all that there ever were, gauges of those that live.

    Each child has a slot, and one that follows another goes on with its files: by process id, as prometheus_client has
    it, there would be more and more of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Any = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # nothing there is

    def environment(self, slot: int) -> Mapping[str, str]:
        """What the child in this slot needs in its environment."""
        return {FOLDER: str(self._folder), SLOT: str(slot)}

    def ended(self, slot: int) -> None:
        """The child in this slot has ended."""
        mark_process_dead(slot, str(self._folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Family]:
        """All families, for a registry."""
        for _ in range(ATTEMPTS):
            try:
                return list(self._files.collect())
            except BEING_WRITTEN:
                time.sleep(PAUSE_SECONDS)
        return list(self._files.collect())


def write_as_child(environment: Mapping[str, str]) -> None:
    """In a child, before it makes any metric: write into the files of its slot."""
    slot = environment[SLOT]
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
