"""What long commands do while the outbox is too deep."""

import pytest

from adapters.memory.system import ManualClock, ManualStop
from entrypoints.cli.outbox import TELL_EVERY, until_drained
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.builders import NOW, searched, submitted
from tests.integration.program import Program


def test_without_a_broker_the_command_itself_drains_the_outbox(program: Program, container: Container) -> None:
    program.ok("setup")
    container.record()(submitted(*(searched(f"m{n}") for n in range(5))))

    until_drained(container)(5)

    assert container.outbox().depth() == 0
    assert container.store().read(["ann"])["ann"].event_count == 5


def test_with_a_broker_it_waits_for_the_workers_and_says_so_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    container = Container(settings=Settings.model_validate({"RABBITMQ_DSN": "memory://"}))
    clock = ManualClock(NOW)
    container.stop.override(ManualStop(clock))
    wait = until_drained(container)

    for _ in range(TELL_EVERY + 1):
        wait(123_456)

    assert capsys.readouterr().err.count("Waiting for the outbox to drain: it holds 123,456 rows.") == 2
    assert clock.monotonic() == TELL_EVERY + 1
