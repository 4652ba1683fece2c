"""Traces of real processes, as a collector receives them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.memory.system import RememberedJournal
from adapters.opentelemetry.tracer import OtelTracer, traces_wanted
from domain.errors import ConfigurationError
from tests.integration.http_api import serving, starting
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import MARK, Production, production_fixture, search  # noqa: F401
from tests.integration.program import Program
from tests.services.otlp_receiver import OtlpReceiver, otlp_receiver
from tests.services.waiting import wait_until

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER = f"00-{'1' * 32}-{'2' * 16}-01"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
STEPS = {"request", "record", "relay", "apply", "embed", "write"}


def test_an_event_is_one_trace_from_the_request_to_the_write(production: Production) -> None:
    with otlp_receiver() as collector:
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with (
            production.worker("--no-relay", **traced),
            serving(production.start, **traced) as api,
        ):
            message = search("trace-1", "traced", "tea")
            del message["message_id"]
            api.post("/api/user/traced/search", {"query": message["search_phrase"]}, traceparent=TRACEPARENT)
            wait_until(lambda: _names(collector) >= STEPS, DEADLINE_SECONDS, "the spans of all steps")

    spans = {span.name: span for span in collector.of_trace(TRACE)}
    assert set(spans) == STEPS
    assert spans["request"].parent_id == CALLER
    for name, parent in [("record", "request"), ("relay", "request"), ("apply", "request"), ("write", "apply")]:
        assert spans[name].parent_id == spans[parent].span_id
    assert spans["embed"].parent_id == spans["apply"].span_id
    assert {"route", "status"} <= spans["request"].facts
    assert {span.service for span in collector.spans} == {"penchant"}
    for secret in (MARK, "traced"):
        assert all(secret.encode() not in span.raw for span in collector.spans)


def test_a_batch_of_several_traces_is_a_trace_of_its_own_with_a_link_to_each() -> None:
    with _tracing() as (tracer, collector):
        with tracer.span("apply", [TRACEPARENT, OTHER, None, "nonsense", TRACEPARENT]):
            pass
        tracer.close()

    [span] = collector.spans
    assert span.linked == {TRACE, "1" * 32}
    assert span.trace_id not in span.linked


def test_what_follows_a_step_belongs_to_its_trace_in_another_process_too() -> None:
    with _tracing() as (tracer, collector):
        with tracer.span("record") as recorded:
            assert tracer.current() == recorded.trace
        with tracer.span("apply", [recorded.trace]):
            pass
        assert tracer.current() is None
        tracer.close()

    first, second = collector.spans
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)


def test_an_error_is_told_by_its_type_alone() -> None:
    def fail(tracer: OtelTracer) -> None:
        with tracer.span("embed"):
            raise ValueError(MARK)

    with _tracing() as (tracer, collector):
        with pytest.raises(ValueError, match=MARK):
            fail(tracer)
        tracer.close()

    [span] = collector.spans
    assert span.failed
    assert b"ValueError" in span.raw
    assert MARK.encode() not in span.raw


def test_a_collector_that_is_away_changes_nothing(program: Program) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with serving(starting(program), **away) as api:
        assert api.post("/api/user/ann/search", {"query": "tea"}).status_code == 202
        assert api.wait_for_embedding("ann", 1)["version"] == 1
        api.process.wait_for("traces_lost")

    assert all(line.startswith("{") for line in api.process.text.splitlines())


@pytest.mark.parametrize(
    ("wanted", "variables"),
    [
        (False, {}),
        (False, {"OTEL_SERVICE_NAME": "shop"}),
        (True, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}),
        (True, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}),
        (True, {"OTEL_TRACES_EXPORTER": "otlp"}),
        (False, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}),
        (False, {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}),
        (False, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
    ],
)
def test_the_standard_variables_say_whether_to_trace(wanted: bool, variables: dict[str, str]) -> None:
    assert traces_wanted(variables) is wanted


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_there_is_not_is_refused(variables: dict[str, str], program: Program) -> None:
    with pytest.raises(ConfigurationError):
        traces_wanted(variables)
    assert program.run("stats", "--json").code == 0
    assert program.run("record", "--user", "a", "--event", "search", "--phrase", "b", **variables).code == 2


def _names(collector: OtlpReceiver) -> set[str]:
    return {span.name for span in collector.of_trace(TRACE)}


@contextmanager
def _tracing() -> Iterator[tuple[OtelTracer, OtlpReceiver]]:
    with otlp_receiver() as collector:
        yield OtelTracer(RememberedJournal(), endpoint=f"{collector.url}/v1/traces"), collector
