"""The files for Prometheus and Grafana: held against the program, by promtool, and by a real Prometheus."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from adapters.prometheus.table import TABLE, Kind
from tests.integration.http_api import serving
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import Production, production_fixture, search  # noqa: F401
from tests.services.ports import LOOPBACK, free_port
from tests.services.prometheus import Prometheus, prometheus, prometheus_program
from tests.services.waiting import wait_until

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/prometheus/prometheus.yml"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboards/penchant.json"
DATASOURCE = ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml"
RUNBOOK = ROOT / "docs/operations.md"
RULE_TESTS = Path(__file__).with_name("alert_rules.yml")

OTHERS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
"""Metrics that are not ours."""


def test_promtool_takes_the_configuration_and_each_alert_fires_when_it_should() -> None:
    promtool = prometheus_program("promtool")
    subprocess.run([promtool, "check", "config", CONFIG], check=True, stdout=subprocess.DEVNULL)

    tested = subprocess.run([promtool, "test", "rules", RULE_TESTS], capture_output=True, text=True, check=False)

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_each_alert_is_tested_to_fire_and_not_to_fire() -> None:
    names = {rule["alert"] for rule in _rules()}
    tests = [test for group in yaml.safe_load(RULE_TESTS.read_text())["tests"] for test in group["alert_rule_test"]]

    assert names == {test["alertname"] for test in tests if test.get("exp_alerts")}
    assert names == {test["alertname"] for test in tests if not test.get("exp_alerts")}


def test_each_alert_says_what_it_is_and_has_its_section_in_the_runbook() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)

    for rule in _rules():
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["alert"] in sections


def test_alerts_and_dashboard_name_only_metrics_that_exist() -> None:
    exist = OTHERS | {name for metric in TABLE for name in _series_of(metric.name, metric.kind)}
    queries = [rule["expr"] for rule in _rules()] + _dashboard_queries()

    used = {name for query in queries for name in re.findall(r"\b(?:messenger|penchant|process)_\w+", query)}

    assert used - exist == set()
    assert len(used) > 20


def test_the_dashboard_asks_the_prometheus_that_is_provisioned() -> None:
    [datasource] = yaml.safe_load(DATASOURCE.read_text())["datasources"]
    panels = json.loads(DASHBOARD.read_text())["panels"]

    assert {panel["datasource"]["uid"] for panel in panels} == {datasource["uid"]}
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {datasource["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_a_real_prometheus_fires_when_nobody_works_and_when_an_event_is_given_up(production: Production) -> None:
    production.record([search("alert-early", "alert", "tea")])
    port = free_port()
    with serving(production.start) as api, prometheus(*_quick(api.url, port)) as watching:
        _wait_for_alert(watching, "NoWorker")
        production.openai.fail(400)
        with production.worker("--metrics-port", str(port)):
            fired = _wait_for_alert(watching, "DeadLetters")
            wait_until(lambda: "NoWorker" not in watching.firing(), DEADLINE_SECONDS, "NoWorker to be resolved")
            production.openai.recover()
            production.record([search("alert-late", "alert", "mugs")])
            wait_until(lambda: watching.query("penchant_freshness_seconds_count > 0"), DEADLINE_SECONDS, "an update")

            assert fired["annotations"]["summary"] == "1 events were given up"
            for query in [*_dashboard_queries(), *(rule["expr"] for rule in _rules())]:
                watching.query(query)
            wait_until(
                lambda: _most_of_the_dashboard_shows(watching), DEADLINE_SECONDS, "rates, which need two scrapes"
            )


def _quick(api_url: str, worker_port: int) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The configuration and the alerts as they are shipped, on other addresses, and with nothing to wait for."""
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    addresses = {"penchant-api": api_url.removeprefix("http://"), "penchant-worker": f"{LOOPBACK}:{worker_port}"}
    config["scrape_configs"] = [
        {**scrape, "static_configs": [{"targets": [addresses[scrape["job_name"]]]}]}
        for scrape in config["scrape_configs"]
        if scrape["job_name"] in addresses
    ]
    alerts = yaml.safe_load(ALERTS.read_text())
    for rule in alerts["groups"][0]["rules"]:
        rule["for"] = "0s"
    return config, {"alerts.yml": yaml.safe_dump(alerts)}


def _wait_for_alert(watching: Prometheus, name: str) -> Mapping[str, Any]:
    fired = wait_until(lambda: watching.firing().get(name), DEADLINE_SECONDS, f"the alert {name}")
    assert fired is not None
    return fired


def _most_of_the_dashboard_shows(watching: Prometheus) -> bool:
    queries = _dashboard_queries()
    return sum(bool(watching.query(query)) for query in queries) > len(queries) * 0.8


def _rules() -> Sequence[Mapping[str, Any]]:
    rules: Sequence[Mapping[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    return rules


def _dashboard_queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def _series_of(name: str, kind: Kind) -> Iterator[str]:
    yield name
    if kind is Kind.HISTOGRAM:
        yield from (f"{name}_{part}" for part in ("bucket", "sum", "count"))
