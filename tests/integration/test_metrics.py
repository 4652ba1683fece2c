"""Metrics of real processes, read over HTTP as Prometheus reads them."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.http_api import CLIENT_SECONDS, serving, starting
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.production import Production, production_fixture, search, submission_of  # noqa: F401
from tests.integration.program import Program
from tests.services.ports import LOOPBACK, free_port
from tests.services.waiting import wait_until

SEARCH = {"user_id": "ann", "event_type": "search", "search_phrase": "red teapot"}
APPLIED = 'messenger_processed_messages_total{queue="user_embedding_updates",status="success"}'


def metrics_at(url: str) -> Mapping[str, float]:
    """What is shown there: the value of each series, by its name with its labels in order."""
    text = httpx.get(f"{url}/metrics", timeout=CLIENT_SECONDS).raise_for_status().text
    return {
        sample.name + _labels(sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_for(url: str, series: str, value: float) -> None:
    """Wait until it is shown there with this value."""

    def shown() -> bool:
        try:
            return metrics_at(url).get(series) == value
        except httpx.TransportError:  # it does not listen yet
            return False

    wait_until(shown, DEADLINE_SECONDS, f"{series} to be {value} at {url}")


def test_the_api_counts_requests_by_route_and_what_it_applies(program: Program) -> None:
    with serving(starting(program)) as api:
        api.post("/events", SEARCH)
        api.post("/events", {"user_id": "ann"})
        api.post("/api/user/ann/search", {"query": "mug"})
        api.get("/nowhere")
        api.client.request("PATCH", "/events", json={})
        api.client.post("/events", content=b"x" * 2_000_000)
        wait_for(api.url, APPLIED, 2)

        shown = metrics_at(api.url)

    requests = {series.partition("{")[2]: value for series, value in shown.items() if "http_requests_total" in series}
    assert requests['route="POST /events",status="202"}'] == 1
    assert requests['route="POST /events",status="422"}'] == 1
    assert requests['route="POST /api/user/{user_id}/search",status="202"}'] == 1
    assert requests['route="none",status="404"}'] == 1
    assert requests['route="none",status="405"}'] == 1
    assert requests['route="none",status="413"}'] == 1
    assert shown['penchant_http_request_seconds_count{route="POST /events"}'] == 2
    assert shown['penchant_freshness_seconds_count{queue="user_embedding_updates"}'] == 2
    assert shown['penchant_up{part="log"}'] == 1


def test_several_workers_show_their_sum_also_of_those_that_have_ended(program: Program) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    program.ok("setup")
    arguments = ("--concurrency", "2", "--time-limit", "3", "--metrics-port", str(port))
    with starting(program)("worker", *arguments) as workers:
        _record(program, "one")
        wait_until(lambda: _applied(url, workers) >= 1, DEADLINE_SECONDS, "the first to be applied")
        wait_until(
            lambda: metrics_at(url)["penchant_worker_restarts_total"] >= 2, DEADLINE_SECONDS, "both to be followed"
        )
        before = _applied(url, workers)
        _record(program, "two")
        wait_until(lambda: _applied(url, workers) > before, DEADLINE_SECONDS, "the second to be applied")
        wait_for(url, "penchant_worker_processes", 2)  # fewer while one that has ended is followed

    assert before >= 1


def test_a_relay_shows_what_it_moves_and_what_waits(production: Production) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with production.start("relay", "--metrics-port", str(port)):
        production.record([search("relayed-1", "ann", "tea"), search("relayed-2", "ann", "mugs")])
        wait_for(url, "penchant_relayed_events_total", 2)
        wait_for(url, 'messenger_queue_depth{queue="user_embedding_updates"}', 2)
        wait_for(url, "penchant_lag_events", 2)


def test_a_broker_that_hangs_or_is_away_fails_no_scrape(production: Production) -> None:
    up = 'penchant_up{part="broker"}'
    with serving(production.start) as api:
        wait_for(api.url, up, 1)
        production.rabbitmq.pause()
        try:
            wait_for(api.url, up, 0)
            shown = metrics_at(api.url)
        finally:
            production.rabbitmq.resume()
        wait_for(api.url, up, 1)

    assert (shown['penchant_up{part="log"}'], shown["penchant_outbox_events"]) == (1, 0)
    assert "penchant_lag_events" not in shown


def test_a_port_that_is_taken_is_said_in_one_sentence(program: Program) -> None:
    with serving(starting(program)) as api:
        port = api.url.rpartition(":")[2]

        outcome = program.process("worker", "--metrics-port", port)

    assert outcome.code == 2
    assert f"--metrics-port {port} cannot be listened on" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def _record(program: Program, message_id: str) -> None:
    container = program.container()
    try:
        container.record()([submission_of(search(message_id, "ann", message_id))])
    finally:
        container.database().dispose()


def _applied(url: str, process: PenchantProcess) -> float:
    assert process.running, process.last_words()
    try:
        return metrics_at(url).get(APPLIED, 0.0)
    except httpx.TransportError:
        return 0.0


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" if labels else ""
