import ast
import struct
from datetime import timedelta
from pathlib import Path
from threading import Timer

import pytest
from prometheus_client.mmap_dict import MmapedDict

from adapters.prometheus.children import ChildrenCollector
from adapters.prometheus.exposition import Exposition
from adapters.prometheus.metrics import PrometheusMetrics
from adapters.prometheus.states import StateCollector
from adapters.prometheus.table import MEASURED, STATES, SUPERVISED, TABLE, Kind
from application.flow import Part
from docs.metrics import DOCUMENT, markdown
from domain.errors import UnavailableError
from tests.builders import viewed
from tests.shop import Shop
from tests.unit.test_flow import Queues, flow_of, look_at

SOURCE = Path(__file__).parents[2] / "src"
METHODS = {"count": Kind.COUNTER, "observe": Kind.HISTOGRAM, "set": Kind.GAUGE}


def test_the_table_of_metrics_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == markdown()


def test_what_the_code_counts_is_what_is_declared() -> None:
    used = {measured for path in SOURCE.rglob("*.py") for measured in _measured_in(path)}

    declared = {(metric.name, metric.kind, tuple(sorted(metric.labels))) for metric in (*MEASURED, *SUPERVISED)}
    assert used == declared


def test_each_metric_says_its_unit_and_what_it_is_about() -> None:
    assert len({metric.name for metric in TABLE}) == len(TABLE)
    for metric in TABLE:
        assert metric.name.startswith(("penchant_", "messenger_"))
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert metric.help.endswith(".")
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
        assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")


def test_a_value_that_was_seen_several_times_counts_as_often() -> None:
    metrics = PrometheusMetrics()

    metrics.observe("penchant_http_request_seconds", 0.07, 3, route="/")
    metrics.observe("penchant_http_request_seconds", 40.0, route="/")

    text = _text(Exposition(metrics))
    assert 'penchant_http_request_seconds_bucket{le="0.1",route="/"} 3.0' in text
    assert 'penchant_http_request_seconds_count{route="/"} 4.0' in text


def test_a_failure_that_has_not_happened_is_a_series_at_0() -> None:
    text = _text(Exposition(PrometheusMetrics()))

    series = 'messenger_processed_messages_total{queue="user_embedding_updates",status="failed"}'
    assert f"{series} 0.0" in text


def test_what_is_not_declared_cannot_be_counted() -> None:
    metrics = PrometheusMetrics()

    with pytest.raises(KeyError):
        metrics.count("penchant_typos_total")
    with pytest.raises(ValueError, match="label"):
        metrics.count("penchant_deliveries_total", colour="red")


def test_what_there_is_is_shown(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))

    text = _text(Exposition(StateCollector(flow_of(shop, work=(5, 2), failed=(1, 0)), shop.clock)))

    for metric in STATES:
        assert f"# TYPE {metric.name} gauge" in text
    assert "penchant_outbox_events 2.0" in text
    assert "penchant_lag_events 7.0" in text
    assert 'messenger_queue_depth{queue="failed"} 1.0' in text
    assert 'penchant_queue_consumers{queue="user_embedding_updates"} 2.0' in text


def test_a_part_that_is_out_of_reach_fails_no_scrape(shop: Shop) -> None:
    queues = Queues()
    queues.error = UnavailableError("The broker is away.")
    look = look_at(shop, queues)

    text = _text(Exposition(StateCollector(look, shop.clock)))

    assert f'penchant_up{{part="{Part.BROKER}"}} 0.0' in text
    assert f'penchant_up{{part="{Part.LOG}"}} 1.0' in text
    assert "penchant_outbox_events 0.0" in text
    assert "\npenchant_lag_events " not in text


def test_several_scrapes_within_five_seconds_ask_the_servers_once(shop: Shop) -> None:
    queues = Queues(work=(1, 1))
    look = look_at(shop, queues)
    show = Exposition(StateCollector(look, shop.clock, kept_seconds=5.0))

    show()
    show()
    shop.clock.advance(timedelta(seconds=5))
    show()

    assert queues.asked == 2


def _text(exposition: Exposition) -> str:
    return exposition()[0].decode()


def _measured_in(path: Path) -> list[tuple[str, Kind, tuple[str, ...]]]:
    """Each call of a method of the port with a name: the name, the kind, and the labels."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        name = node.args[0]
        if node.func.attr in METHODS and isinstance(name, ast.Constant) and str(name.value).startswith(("pen", "mess")):
            labels = (keyword.arg for keyword in node.keywords if keyword.arg not in {"amount", "times"})
            found.append((str(name.value), METHODS[node.func.attr], tuple(sorted(filter(None, labels)))))
    return found


def test_a_file_that_a_child_has_made_and_not_begun_is_read_when_it_has(tmp_path: Path) -> None:
    children = ChildrenCollector(tmp_path)
    empty = tmp_path / "counter_0.db"
    empty.touch()
    begins = Timer(0.05, lambda: MmapedDict(str(empty)).close())  # type: ignore[no-untyped-call]
    begins.start()

    assert list(children.collect()) == []
    begins.join()


def test_a_file_that_stays_broken_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "counter_0.db").touch()

    with pytest.raises(struct.error):
        list(ChildrenCollector(tmp_path).collect())
