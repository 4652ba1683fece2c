"""What docs/extending.md says, done: its class, its setting and its line, on a real queue of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from application.event_message import parse_event
from docs.examples.daily_counts import DailyCounts
from entrypoints import container as containers
from entrypoints import server_settings
from entrypoints.consumers import other_consumers
from entrypoints.container import Container
from entrypoints.doctor import examine, installables
from entrypoints.settings import Settings
from tests.documents import ROOT, Document
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.services.waiting import wait_until

PAGE = Document(path=ROOT / "docs" / "extending.md")
QUEUE = "events.analytics"
DAY = "2026-03-01"


def _subclass(name: str, base: type[Any], body: str, known: dict[str, Any]) -> type[Any]:
    """The class with these lines at its end, as somebody who follows the page has it."""
    found = {**known, "Base": base}
    exec(f"class {name}(Base):\n{indent(body, '    ')}\n", found)  # noqa: S102  # the words of our own page
    subclass: type[Any] = found[name]
    return subclass


@pytest.fixture(name="shop")
def extended_container(rabbitmq_url: str, tmp_path: Path) -> Iterator[Container]:
    """The container as the page makes it, set up."""
    with_setting = _subclass("ShopSettings", Settings, PAGE.blocks("python", "The setting"), vars(server_settings))
    known = {**vars(containers), "DailyCounts": DailyCounts}
    line = indent(PAGE.blocks("python", "The line"), "    ")
    start = f"def __init__(self, settings):\n    super().__init__(settings)\n{line}"
    with_line = _subclass("ShopContainer", Container, start, known)
    variables = {"RABBITMQ_DSN": rabbitmq_url, "PENCHANT_ANALYTICS_FILE": str(tmp_path / "daily.db")}
    shop = with_line(settings=with_setting.model_validate({**variables, "PENCHANT_HOME": str(tmp_path)}))
    for part in installables(shop, with_indexes=True):
        part.install()
    yield shop
    shop.shutdown_resources()


def _event(number: int, **fields: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 1, number, tzinfo=UTC).isoformat()
    return {"message_id": f"m{number}", "user_id": "ann", "occurred_at": at, **fields}


def _view(number: int) -> dict[str, Any]:
    return _event(number, event_type="view", product_id="tea")


def _counts(tmp_path: Path) -> list[tuple[str, str, str, int]]:
    with closing(sqlite3.connect(tmp_path / "daily.db")) as connection:
        return connection.execute("SELECT * FROM counts ORDER BY event_type").fetchall()


def test_the_page_shows_the_class_as_it_is_tested() -> None:
    shown = PAGE.blocks("python", "The class")

    assert shown == (ROOT / "docs" / "examples" / "daily_counts.py").read_text().rstrip("\n")


def test_the_consumer_of_the_page_counts_each_event_once(shop: Container, tmp_path: Path) -> None:
    [analytics] = other_consumers(shop, "analytics")
    events = [_view(1), _view(2), _event(3, event_type="purchase", product_id="tea"), _event(4, retracts="m2")]
    expected = [("ann", DAY, "purchase", 1), ("ann", DAY, "view", 1)]

    def applied() -> bool:
        shop.relay()(1_000)
        analytics.work().batch(500, wait_seconds=0.2)
        return _counts(tmp_path) == expected

    shop.record()([parse_event(event) for event in events])
    shop.outbox().add(list(shop.event_log().find(["m1", "m3", "m4"]).values()))
    wait_until(applied, DEADLINE_SECONDS, "the counts of all events")
    wait_until(lambda: applied() and shop.queues().states()[QUEUE].messages == 0, DEADLINE_SECONDS, "an empty queue")

    assert _counts(tmp_path) == expected
    analytics.source().close()


def test_what_was_recorded_before_comes_from_the_log(shop: Container, tmp_path: Path) -> None:
    [analytics] = other_consumers(shop, "analytics")
    shop.record()([parse_event(_view(1)), parse_event(_view(2))])

    analytics.rebuild().all()

    assert _counts(tmp_path) == [("ann", DAY, "view", 2)]


def test_doctor_knows_the_new_part_and_its_queue(shop: Container) -> None:
    found = {(finding.part, finding.subject): finding.health for finding in examine(shop, ())}

    assert found["Daily counts", "file"] == "ok"
    assert ("RabbitMQ", f"depth of {QUEUE}") in found
