"""The Metrics port on prometheus_client."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from adapters.prometheus.table import MEASURED, Kind, Metric


class PrometheusMetrics(Collector):
    """Counters, gauges and histograms of a table, in no registry but the one that this is registered in.

    A name or a label that is not in the table is a KeyError or ValueError: a fault of the program.
    """

    def __init__(self, table: Sequence[Metric] = MEASURED) -> None:
        self._counters = {
            m.name: Counter(m.name, m.help, tuple(m.labels), registry=None) for m in _of(table, Kind.COUNTER)
        }
        self._histograms = {
            m.name: Histogram(m.name, m.help, tuple(m.labels), registry=None, buckets=m.buckets)
            for m in _of(table, Kind.HISTOGRAM)
        }
        self._gauges = {
            m.name: Gauge(m.name, m.help, tuple(m.labels), registry=None, multiprocess_mode=_mode(m))
            for m in _of(table, Kind.GAUGE)
        }
        every = self._counters | self._histograms | self._gauges
        self._every: Sequence[Collector] = [every[metric.name] for metric in table]
        for metric in table:
            for values in product(*metric.labels.values()) if metric.labels else ():
                every[metric.name].labels(*values)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: str, value: float, times: int = 1, **labels: str) -> None:
        histogram = self._histograms[name]
        series = histogram.labels(**labels) if labels else histogram
        for _ in range(times):
            series.observe(value)

    def set(self, name: str, value: float, **labels: str) -> None:
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def collect(self) -> Iterable[Family]:
        """All families, for a registry."""
        for metric in self._every:
            yield from metric.collect()


def _of(table: Sequence[Metric], kind: Kind) -> Sequence[Metric]:
    return [metric for metric in table if metric.kind is kind]


def _mode(gauge: Metric) -> Literal["liveall", "livemax"]:
    """How those of several processes under one are shown: each, or else the worst."""
    return "liveall" if gauge.each else "livemax"
