"""Prometheus itself, asking what a test tells it to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from attrs import frozen

from tests.services.child import Child, data_folder
from tests.services.json_http import HttpError, call
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import program
from tests.services.servers import give_up
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 60.0
HOW = "PROMETHEUS CANNOT BE HAD HERE: install prometheus (`make services`)"


@frozen(kw_only=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def firing(self) -> Mapping[str, Mapping[str, Any]]:
        """The alerts that fire now, by name."""
        alerts = call("GET", f"{self.url}/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def query(self, expression: str) -> Sequence[Mapping[str, Any]]:
        """The series that an expression gives now. Raises HttpError where it is none."""
        answer = call("GET", f"{self.url}/api/v1/query?query={quote(expression, safe='')}")
        series: Sequence[Mapping[str, Any]] = answer["data"]["result"]
        return series


def prometheus_program(name: str) -> str:
    """The path of `prometheus` or `promtool`. Skips the test where there is none; with CI=true that fails."""
    path = program(name)
    if path is None:
        give_up(HOW)
    return path


@contextmanager
def prometheus(config: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[Prometheus]:
    """Run it on this configuration, with files beside it, while the block runs."""
    folder = data_folder("prometheus")
    for name, text in {**files, "prometheus.yml": yaml.safe_dump(dict(config))}.items():
        (folder / name).write_text(text)
    address = f"{LOOPBACK}:{free_port()}"
    child = Child(command=_command(folder, address), folder=folder)
    child.start()
    try:
        running = Prometheus(url=f"http://{address}")
        wait_until(lambda: _answers(running, child), DEADLINE_SECONDS, "Prometheus to answer")
        yield running
    finally:
        child.close()


def _command(folder: Path, address: str) -> list[str]:
    return [
        prometheus_program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]


def _answers(running: Prometheus, child: Child) -> bool:
    if trouble := child.trouble():
        raise RuntimeError(trouble)
    try:
        running.firing()
    except HttpError:
        return False
    return True
