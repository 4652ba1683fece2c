"""Every metric that there is: declared here once, with its help text."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import field, frozen

from application.flow import Part
from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE, WORK_QUEUE


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@frozen(kw_only=True)
class Metric:
    """A metric.

    `labels` names the values that a label is known to take, so that each series is there, at 0, from the start: a first
    failure is not seen in the rate of a series that begins with 1. No values: they come as they come.
    """

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Sequence[str]] = field(factory=dict)
    buckets: Sequence[float] = ()
    """Upper bounds, in the unit of the name."""
    each: bool = False
    """Whether a gauge is shown for each of several processes under one, label pid: the largest is not the worst."""


BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FRESHNESS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 120, 300, 600, 3_600)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)

_QUEUE = {"queue": (WORK_QUEUE, GRAPH_QUEUE, INDEX_QUEUE)}


def _counter(name: str, text: str, **labels: Sequence[str]) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *, each: bool = False, **labels: Sequence[str]) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=text, labels=labels, each=each)


def _histogram(name: str, text: str, buckets: Sequence[float], **labels: Sequence[str]) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, help=text, labels=labels, buckets=buckets)


MEASURED = (
    _counter(
        "messenger_processed_messages_total",
        "Messages that workers have processed. failed: tried again later, or given up.",
        **_QUEUE,
        status=("success", "failed"),
    ),
    _histogram(
        "messenger_processing_time_seconds",
        "From received to settled, for each message: the time of its batch.",
        BATCH_SECONDS,
        **_QUEUE,
    ),
    _histogram(
        "penchant_freshness_seconds",
        "From recorded to readable, for each event when it is first applied.",
        FRESHNESS_SECONDS,
        **_QUEUE,
    ),
    _gauge(
        "penchant_oldest_delivery_timestamp_seconds",
        "When the oldest event was recorded that a worker has in its hands, in seconds since 1970; 0 when it has none.",
        each=True,
        queue=(),
    ),
    _counter(
        "penchant_deliveries_total",
        "Deliveries by what became of them. not_tried: put off, because a part that they need is out of reach.",
        **_QUEUE,
        verdict=("applied", "later", "not_tried", "dead"),
    ),
    _counter(
        "penchant_deliveries_waiting_for_product_total",
        "Those of the applied deliveries that take effect only when their product is in the catalogue.",
    ),
    _counter("penchant_relayed_events_total", "Events moved from the outbox to the broker."),
    _counter(
        "penchant_caught_up_events_total",
        "Events that were lost on their way and found in the log: sent again, or applied from there.",
        **_QUEUE,
    ),
    _counter(
        "penchant_caught_up_points_total",
        "Points of the index that were not what is stored, and that nobody had woken it for: put by catch-up.",
        queue=(INDEX_QUEUE,),
    ),
    _counter("penchant_dead_letters_collected_total", "Dead letters taken from the broker."),
    _counter(
        "penchant_rebuilds_total",
        "Users rebuilt from the log. asked: by a command, an import or catch-up; the others by a worker.",
        **_QUEUE,
        reason=("asked", "new", "missing", "retracted", "rounding", "recipe", "unreadable"),
    ),
    _counter("penchant_write_races_lost_total", "Writes that came after another writer's; computed again.", **_QUEUE),
    _gauge(
        "penchant_circuit_open",
        "1 while this one pauses because a part that it needs is out of reach, or the embedder is left alone.",
        part=("worker", "neo4j_worker", "qdrant_worker", "relay", "embedder"),
    ),
    _counter("penchant_phrases_embedded_total", "Phrases embedded, each once for good."),
    _counter("penchant_embedding_pauses_total", "Times that the embedder was found out of reach or asked for a pause."),
    _counter("penchant_phrase_cache_hits_total", "Phrase vectors found in Redis."),
    _counter("penchant_phrase_cache_misses_total", "Phrase vectors asked of Redis that it did not have."),
    _counter("penchant_phrase_cache_errors_total", "Times that Redis failed, and the log's database was asked."),
    _counter(
        "penchant_sources_left_out_total",
        "Recommendations that did without a source of candidates, because it was out of reach.",
        source=("bought_with",),
    ),
    _counter(
        "penchant_http_requests_total",
        "Requests to the HTTP API. Those that fit no route are of the route none.",
        route=(),
        status=(),
    ),
    _histogram(
        "penchant_http_request_seconds", "From a request's headers to the end of its answer.", REQUEST_SECONDS, route=()
    ),
    _counter(
        "penchant_http_problems_total",
        "Requests, and events of a batch, that were refused: by the kind of the problem, and by the name of the key.",
        kind=(),
        key=(),
    ),
    _counter(
        "penchant_http_refusals_total",
        "Connections that the server refused before a request was whole. busy: there were as many as may be.",
        kind=("busy", "malformed", "headers-too-large", "slow", "endless", "not-taken"),
    ),
    _gauge(
        "penchant_api_keys_broken",
        "1 while the file of API keys cannot be read or taken, so that the keys as they were before count on.",
    ),
)
"""What happens in a process, counted there."""

SUPERVISED = (
    _gauge("penchant_worker_processes", "Worker processes that `penchant worker --concurrency` keeps running."),
    _counter("penchant_worker_restarts_total", "Worker processes that came to a limit and were followed by another."),
)
"""What the process above several workers knows."""

STATES = (
    _gauge(
        "penchant_up",
        "Whether a part answers, the broker with its work queue; it only where one is set.",
        part=tuple(Part),
    ),
    _gauge("penchant_outbox_events", "Events in the outbox: on their way to the broker, or without one to a worker."),
    _gauge(
        "penchant_outbox_oldest_seconds", "How long ago the first event in the outbox was recorded; 0 when it is empty."
    ),
    _gauge(
        "penchant_lag_events",
        "Events recorded and not in the embeddings yet, in the outbox and in the work queue and its retries.",
    ),
    _gauge("penchant_dead_letters", "Events that were given up, and that nobody has retried or purged yet."),
    _gauge("messenger_queue_depth", "Messages that wait in a queue of the broker.", queue=()),
    _gauge("penchant_queue_consumers", "Consumers of a queue of the broker, where it knows.", queue=()),
)
"""What is read from the servers when Prometheus asks; every process shows the same. A part that is out of reach shows
nothing but its 0 in penchant_up."""

TABLE = (*MEASURED, *SUPERVISED, *STATES)
