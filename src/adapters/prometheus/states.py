"""What the servers hold, read when Prometheus asks."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from adapters.prometheus.table import STATES
from application.flow import Flow, LookAtFlow
from application.ports.system import Clock

KEPT_SECONDS = 5.0
"""For so long an answer is good enough: several scrapers cost the servers as much as one."""

_Samples = Sequence[tuple[Sequence[str], float]]
"""Values of the labels, and the value of the series."""


class StateCollector(Collector):
    """Shows the flow. A part that is out of reach is no failure: what only it knows is left out."""

    def __init__(self, look: LookAtFlow, clock: Clock, kept_seconds: float = KEPT_SECONDS) -> None:
        self._look = look
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._lock = Lock()
        self._kept: tuple[float, Flow] | None = None

    def collect(self) -> Iterable[Family]:
        """All families, for a registry."""
        samples = _samples(self._flow())
        for metric in STATES:
            family = GaugeMetricFamily(metric.name, metric.help, labels=tuple(metric.labels))
            for labels, value in samples[metric.name]:
                family.add_metric(labels, value)
            yield family

    def _flow(self) -> Flow:
        with self._lock:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= self._kept_seconds:
                flow = self._look()
                self._kept = (self._clock.monotonic(), flow)
            return self._kept[1]


def _samples(flow: Flow) -> Mapping[str, _Samples]:
    queues = flow.queues if flow.queues is not None else {}
    outbox = flow.outbox
    return {
        "penchant_up": [((part,), float(is_up)) for part, is_up in flow.up.items()],
        "penchant_outbox_events": _known(outbox.events if outbox is not None else None),
        "penchant_outbox_oldest_seconds": _known(outbox.oldest_seconds if outbox is not None else None),
        "penchant_lag_events": _known(flow.lag),
        "penchant_dead_letters": _known(outbox.dead_letters if outbox is not None else None),
        "messenger_queue_depth": [((name,), state.messages) for name, state in queues.items()],
        "penchant_queue_consumers": [
            ((name,), state.consumers) for name, state in queues.items() if state.consumers is not None
        ],
    }


def _known(value: float | None) -> _Samples:
    return [((), value)] if value is not None else []
