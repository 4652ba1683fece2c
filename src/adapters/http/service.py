"""What the HTTP API needs of the application."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from attrs import frozen
from fastapi import Request

from application.api_keys import Scope as Scope
from application.explain import Explain
from application.filter_products import FilterProducts
from application.neighbours import FindNeighbours
from application.ports.examinable import Finding
from application.ports.system import Clock, Ids, Journal, Metrics
from application.ports.tracer import NO_TRACER, Tracer
from application.queue_health import LookAtQueues
from application.read_embedding import ReadEmbedding
from application.recommend import Recommend
from application.record import RecordEvents
from application.similar_products import FindSimilarProducts


class Gate(Protocol):
    """Lets requests in, or not."""

    def __call__(self, request: Request, scope: Scope) -> Awaitable[Mapping[str, str]]:
        """Let a request pass; return headers for its answer. Raises Problem where it may not."""


@frozen(kw_only=True)
class Limits:
    """What a request may cost."""

    body_bytes: int = 1_048_576
    body_seconds: float = 10.0
    """To send all of it."""
    events: int = 1_000
    """In one batch."""
    headers: int = 100
    header_bytes: int = 32_768
    """Of the path and all headers."""
    header_seconds: float = 10.0
    """To send all of them."""
    answer_seconds: float = 10.0
    """To take an answer that is larger than what is sent ahead."""
    connections: int = 800
    """At once: below the 1,024 files that a process may usually have open."""


@frozen(kw_only=True)
class Service:
    """Use cases and probes, each safe to call from any thread."""

    record: RecordEvents
    read: ReadEmbedding
    recommend: Recommend
    filter_products: FilterProducts
    similar_products: FindSimilarProducts
    neighbours: FindNeighbours
    explain: Explain
    clock: Clock
    ids: Ids
    journal: Journal
    ready: Callable[[], Sequence[Finding]]
    """Looks at every part that a request needs."""
    queues: LookAtQueues
    """The queues of the broker; without a broker none."""
    metrics: Metrics
    exposition: Callable[[], tuple[bytes, str]]
    """What Prometheus reads, and its media type."""
    gate: Gate
    limits: Limits = Limits()
    tracer: Tracer = NO_TRACER
    own_machine_only: bool = False
    """Whether anybody may ask who is on this machine, and nobody else, not even through a browser on it."""
