"""The journals of real processes: one JSON object a line, whoever writes it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.http_api import serving, starting
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.program import Program
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

LIBRARY = """
import atexit, logging
atexit.register(lambda: logging.getLogger("kombu").warning("Gone with %s.", "green teapot"))
"""
"""Loaded by Python when it starts."""
RECORD = ("record", "--user", "ann", "--event", "search", "--phrase", "green teapot")


@contextmanager
def _worker(program: Program, **variables: str) -> Iterator[PenchantProcess]:
    with starting(program)("worker", **variables) as process:
        process.wait_for("worker_started")
        yield process


@contextmanager
def _relay(program: Program, broker: str = "memory://", **variables: str) -> Iterator[PenchantProcess]:
    program.ok(*RECORD, RABBITMQ_DSN=broker)
    with starting(program)("relay", RABBITMQ_DSN=broker, **variables) as process:
        # It tells nothing while all is well.
        wait_until(lambda: _has_relayed(program, process), DEADLINE_SECONDS, "the relay to hand an event over")
        yield process


@contextmanager
def _api(program: Program, **variables: str) -> Iterator[PenchantProcess]:
    with serving(starting(program), **variables) as api:
        yield api.process


@pytest.mark.parametrize("running", [_worker, _relay, _api])
def test_what_a_library_warns_of_is_a_line_of_the_journal_without_its_values(
    program: Program, tmp_path: Path, running: Callable[..., Iterator[PenchantProcess]]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LIBRARY)

    with running(program, PYTHONPATH=str(tmp_path)) as process:
        pass

    (told,) = process.journal("library_warning")
    assert (told["sentence"], told["logger"]) == ("Gone with %s.", "kombu")
    assert all(line.startswith("{") for line in process.text.splitlines())


def test_a_relay_tells_of_an_outage_and_its_end_in_sentences_with_stable_actions(
    program: Program, redis_server: RedisServer, redis_url: str
) -> None:
    with _relay(program, redis_url) as relay:
        redis_server.kill()
        program.ok(*RECORD, RABBITMQ_DSN=redis_url)
        relay.wait_for("relay_paused", 2)
        redis_server.start()
        relay.wait_for("relay_resumed")
        relay.terminate()
        assert relay.wait() == 0

    *paused, resumed = [json.loads(line) for line in relay.text.splitlines()]
    assert {(line["action"], line["level"]) for line in paused} == {("relay_paused", "warning")}
    assert (resumed["action"], resumed["level"]) == ("relay_resumed", "info")
    assert all("RABBITMQ_DSN" in line["sentence"] for line in paused)
    assert all(datetime.fromisoformat(line["timestamp"]).tzinfo == UTC for line in (*paused, resumed))
    assert "teapot" not in relay.text


def _has_relayed(program: Program, relay: PenchantProcess) -> bool:
    assert relay.running, relay.last_words()
    container = program.container()
    try:
        return container.outbox().depth() == 0
    finally:
        container.database().dispose()
