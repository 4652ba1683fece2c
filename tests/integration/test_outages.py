"""Whole servers go away under load: what is accepted stays, the worker waits, and everything is counted once."""

from collections.abc import Iterator

import pytest

from tests.integration.explanations import assert_explains
from tests.integration.load import load_on
from tests.integration.penchant_process import PenchantProcess
from tests.integration.production import Production, production_fixture, search  # noqa: F401

PROBES = 3
"""How often the worker tries in vain in each outage: 0.5 s, 1 s and 2 s apart."""
SOME = 150
"""Events of the load on either side of what happens."""


@pytest.fixture(scope="module")
def worker(production: Production) -> Iterator[PenchantProcess]:
    """One worker that lives through all of these outages."""
    with production.worker() as worker:
        yield worker


@pytest.fixture(autouse=True)
def _recovered(production: Production) -> Iterator[None]:
    yield
    production.recover()


def test_recording_goes_on_without_rabbitmq_and_everything_arrives_after(
    production: Production, worker: PenchantProcess
) -> None:
    with load_on(production, "rabbitmq") as load:
        load.wait_for_more(SOME)
        before = len(worker.journal("worker_paused")), len(worker.journal("relay_paused"))
        production.rabbitmq.stop()
        worker.wait_for("worker_paused", before[0] + PROBES)
        worker.wait_for("relay_paused", before[1] + PROBES)
        load.wait_for_more(SOME)
        assert not load.failures
        production.rabbitmq.start()
        load.wait_for_more(SOME)
    production.wait_until_counted(load.counts)
    production.wait_until_drained()
    assert production.dead() == []
    production.assert_verified()


def test_mongodb_killed_costs_no_event_and_the_worker_goes_on_by_itself(
    production: Production, worker: PenchantProcess
) -> None:
    with load_on(production, "mongodb") as load:
        load.wait_for_more(SOME)
        before, resumed = len(worker.journal("worker_paused")), len(worker.journal("worker_resumed"))
        production.mongodb.kill()
        worker.wait_for("worker_paused", before + PROBES)
        load.wait_for_more(SOME)
        production.mongodb.start()
        worker.wait_for("worker_resumed", resumed + 1)
        load.wait_for_more(SOME)
    # The stand-in has forgotten everything: what no later event has brought back, catching up does.
    production.ok("catch-up", "--older-than", "0")
    production.wait_until_counted(load.counts)
    assert production.dead() == []
    production.assert_verified()


def test_mysql_killed_fails_recording_and_a_repeat_is_safe(production: Production, worker: PenchantProcess) -> None:
    event = ("record", "--user", "mysql-caller", "--event", "search", "--phrase", "tea", "--message-id", "repeated")
    with load_on(production, "mysql") as load:
        load.wait_for_more(SOME)
        before, resumed = len(worker.journal("worker_paused")), len(worker.journal("worker_resumed"))
        production.mysql.kill()
        refused = production.run(*event)
        load.wait_for_failures(PROBES)
        worker.wait_for("worker_paused", before + PROBES)
        production.mysql.start()
        worker.wait_for("worker_resumed", resumed + 1)
        load.wait_for_more(SOME)
    assert refused.code == 1
    assert_explains(refused, "DATABASE_URL", production.variables["DATABASE_URL"])
    assert "recorded" in production.ok(*event).stdout
    assert "repeated" in production.ok(*event).stdout
    production.wait_until_counted({**load.counts, "mysql-caller": 1})
    assert production.dead() == []
    production.assert_verified()


def test_redis_stopped_costs_no_event_and_no_second_call_to_the_embedding_service(
    production: Production, worker: PenchantProcess
) -> None:
    with load_on(production, "redis") as load:
        load.wait_for_more(SOME)
        production.redis.stop()
        production.record([search("redis-probe", "redis-prober", "a new phrase")])
        production.wait_until_counted({"redis-prober": 1})
        load.wait_for_more(SOME)
        production.redis.start()
        load.wait_for_more(SOME)
    production.wait_until_counted(load.counts)
    embedded = [text for call in production.openai.calls for text in call.inputs]
    assert len(embedded) == len(set(embedded))
    assert not load.failures
    assert worker.running
    assert production.dead() == []
    production.assert_verified()
