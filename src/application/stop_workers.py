"""Stopping every worker, on any machine: a mark beside the log that each of them looks at between batches."""

from application.ports.registry import Registry
from application.ports.system import Ids

STOP_MARK = "stop_workers"


def stop_mark(registry: Registry) -> str:
    """The mark as it is now; empty before the first."""
    mark = registry.get(STOP_MARK)
    return mark if mark is not None else ""


class StopWorkers:
    """Changes the mark. A worker ends when the mark is not the one it saw at its start, so no clock is asked."""

    def __init__(self, registry: Registry, ids: Ids) -> None:
        self._registry = registry
        self._ids = ids

    def __call__(self) -> None:
        """Tell all workers that run now to come to an end; those started from now on are not meant."""
        self._registry.set(STOP_MARK, self._ids.new())
