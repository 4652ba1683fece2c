"""Metrics of a process, where it is asked to show them; what else need not load the library."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from entrypoints.container import Container
from entrypoints.settings import Settings
from entrypoints.supervise import Watch

if TYPE_CHECKING:
    from adapters.prometheus.children import ChildrenCollector
    from adapters.prometheus.exposition import Exposition
    from adapters.prometheus.metrics import PrometheusMetrics


@frozen(kw_only=True)
class MetricsAddress:
    """Where a process shows its metrics."""

    host: str
    port: int


@contextmanager
def showing_metrics(container: Container, where: MetricsAddress | None) -> Iterator[None]:
    """Show the metrics of this process while the block runs; nowhere, none. To be entered before anything is made."""
    if where is None:
        yield
        return
    container.metrics_wanted.override(True)
    with exposition(container).serving(where.host, where.port):
        yield


def exposition(container: Container) -> "Exposition":
    """The metrics of this process, which must be wanted."""
    from adapters.prometheus.exposition import Exposition
    from adapters.prometheus.states import StateCollector

    return Exposition(container.metrics(), StateCollector(container.flow(), container.clock()))


def write_for_supervisor(container: Container) -> None:
    """Leave the metrics of this process to the one above it."""
    from adapters.prometheus.children import write_as_child

    write_as_child(os.environ)
    container.metrics_wanted.override(True)


@contextmanager
def showing_children(settings: Settings, where: MetricsAddress | None, processes: int) -> Iterator[Watch]:
    """Show the sum of the metrics of so many processes under this one while the block runs."""
    if where is None:
        yield Watch()
        return
    from adapters.prometheus.children import ChildrenCollector
    from adapters.prometheus.exposition import Exposition
    from adapters.prometheus.metrics import PrometheusMetrics
    from adapters.prometheus.states import StateCollector
    from adapters.prometheus.table import SUPERVISED

    container = Container(settings=settings)
    own = PrometheusMetrics(SUPERVISED)
    own.set("penchant_worker_processes", processes)
    try:
        with tempfile.TemporaryDirectory(prefix="penchant-metrics-") as folder:
            children = ChildrenCollector(Path(folder))
            states = StateCollector(container.flow(), container.clock())
            with Exposition(own, children, states).serving(where.host, where.port):
                yield _Counted(children, own)
    finally:
        container.shutdown_resources()


class _Counted(Watch):
    def __init__(self, children: "ChildrenCollector", metrics: "PrometheusMetrics") -> None:
        self._children = children
        self._metrics = metrics

    def environment(self, slot: int) -> Mapping[str, str]:
        return self._children.environment(slot)

    def restarts(self, slot: int) -> None:
        self._children.ended(slot)
        self._metrics.count("penchant_worker_restarts_total")
