"""Ctrl-C, which a terminal sends to all processes of a command."""

import os
import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest

from tests.integration.program import Program
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 60.0
LOADED_BYTES = 40 * 2**20
"""What a process has at hand that has loaded a part of the program."""

SAID = "\nStopped; nothing is lost: run it again.\n"


def _has_loaded(process: psutil.Process) -> bool:
    return bool(process.memory_info().rss > LOADED_BYTES)


def _its_processes_have(process: psutil.Process) -> bool:
    children = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
    return bool(children) and all(_has_loaded(child) for child in children)


@pytest.mark.parametrize(
    ("arguments", "is_at_work"),
    [
        (("events", "import", "-"), _has_loaded),
        (("verify", "--all", "--processes", "2"), _its_processes_have),
    ],
    ids=["import", "verify"],
)
def test_an_interrupted_command_ends_with_one_line(
    program: Program, arguments: tuple[str, ...], is_at_work: Callable[[psutil.Process], bool]
) -> None:
    events = "".join(
        f'{{"message_id": "m{n}", "user_id": "u{n}", "event_type": "view", "product_id": "p", '
        f'"occurred_at": "2026-01-01T00:00:00Z"}}\n'
        for n in range(2_000)
    )
    program.ok("events", "import", "-", stdin=events)
    process = subprocess.Popen(
        program.command(*arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=program.folder,
        env=program.environment(),
        start_new_session=True,
        text=True,
    )
    wait_until(lambda: is_at_work(psutil.Process(process.pid)), DEADLINE_SECONDS, "it to be at work")

    os.killpg(process.pid, signal.SIGINT)

    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, said) == (130, SAID)
