"""A collector of OpenTelemetry, as far as tests need one: it takes spans by OTLP over HTTP, and keeps them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from attrs import define, field, frozen
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.services.ports import LOOPBACK


@frozen(kw_only=True)
class ReceivedSpan:
    """A span, as it came."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    linked: frozenset[str]
    """The ids of the traces that it is linked to."""
    facts: frozenset[str]
    failed: bool
    raw: bytes = field(repr=False)


@define(kw_only=True, eq=False)
class OtlpReceiver:
    """Where spans go, and those that have come."""

    url: str
    spans: list[ReceivedSpan] = field(factory=list)

    def of_trace(self, trace_id: str) -> Sequence[ReceivedSpan]:
        """The spans of one trace so far."""
        return [span for span in self.spans if span.trace_id == trace_id]


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """A collector that runs until the block ends."""
    received: list[ReceivedSpan] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.extend(_spans_of(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield OtlpReceiver(url=f"http://{LOOPBACK}:{server.server_address[1]}", spans=received)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        named = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield ReceivedSpan(
                service=named["service.name"],
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                linked=frozenset(link.trace_id.hex() for link in span.links),
                facts=frozenset(attribute.key for attribute in span.attributes),
                failed=span.status.code == span.status.STATUS_CODE_ERROR,
                raw=span.SerializeToString(),
            )
