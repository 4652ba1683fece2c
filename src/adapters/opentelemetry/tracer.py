"""The Tracer port on OpenTelemetry's SDK."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from application.ports.system import Journal
from application.ports.tracer import Fact
from domain.errors import ConfigurationError

TRACEPARENT = "traceparent"
SERVICE = "penchant"
LINKS = 128
"""As many as OpenTelemetry keeps of a span."""
TELL_SECONDS = 10.0
_TRACE_CONTEXT = TraceContextTextMapPropagator()


class OtelTracer:
    """Sends spans in the background, as the standard OTEL_ variables say; drops them where no collector takes them.

    To be closed when the process ends, or the last seconds are lost.

    Parameters
    ----------
    journal : is told when spans are lost.
    endpoint : the URL that takes spans; the one of the variables, if left out.
    """

    def __init__(self, journal: Journal, endpoint: str | None = None) -> None:
        _tell_in(journal)
        resource = Resource.create({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self._tracer = self._provider.get_tracer(SERVICE)

    @contextmanager
    def span(self, name: str, follows: Iterable[str | None] = (), **facts: Fact) -> Iterator["_Span"]:
        context, links = _place(follows)
        # The text and the traceback of an error may quote what was sent.
        with self._tracer.start_as_current_span(
            name, context, links=links, attributes=facts, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def current(self) -> str | None:
        return _traceparent(None)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class _Lost(logging.Handler):
    """Tells of what the SDK failed at, without its text: one line of ours in place of several of its own."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.ERROR)
        self._journal = journal
        self._told = -math.inf

    def emit(self, record: logging.LogRecord) -> None:
        if record.created - self._told < TELL_SECONDS:
            return
        self._told = record.created
        self._journal.warning("traces_lost", "The collector did not take traces; they are lost, and nothing else is.")


def _tell_in(journal: Journal) -> None:
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_Lost(journal)]
    logger.propagate = False


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def trace(self) -> str | None:
        return _traceparent(trace.set_span_in_context(self._span, Context()))

    def note(self, **facts: Fact) -> None:
        self._span.set_attributes(facts)


def traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for traces. Raises ConfigurationError where they ask for what there is not."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if exporter not in {"", "otlp"}:
        raise ConfigurationError(f"OTEL_TRACES_EXPORTER is {exporter!r}; there are otlp and none.")
    names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((environment[name] for name in names if environment.get(name)), "http/protobuf")
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    wanted = exporter == "otlp" or any(environment.get(name) for name in endpoints)
    if wanted and protocol != "http/protobuf":
        raise ConfigurationError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; there is http/protobuf, which collectors take on port 4318."
        )
    return wanted


def _place(follows: Iterable[str | None]) -> tuple[Context | None, list[Link]]:
    """Whose part a span is, and what it is linked to."""
    parents: dict[tuple[int, int], SpanContext] = {}
    for text in follows:
        context = _context_of(text) if text is not None else None
        if context is not None and context.is_valid:
            parents.setdefault((context.trace_id, context.span_id), context)
    if not parents:
        return None, []
    first, *others = parents.values()
    if all(other.trace_id == first.trace_id for other in others):
        return trace.set_span_in_context(NonRecordingSpan(first), Context()), []
    return Context(), [Link(parent) for parent in islice(parents.values(), LINKS)]


def _context_of(text: str) -> SpanContext:
    return trace.get_current_span(_TRACE_CONTEXT.extract({TRACEPARENT: text}, Context())).get_span_context()


def _traceparent(context: Context | None) -> str | None:
    carrier: dict[str, str] = {}
    _TRACE_CONTEXT.inject(carrier, context)
    return carrier.get(TRACEPARENT)
