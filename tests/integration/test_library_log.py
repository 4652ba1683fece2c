"""What a library logs in a real process is a line of the journal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.http_api import serving, starting
from tests.integration.penchant_process import PenchantProcess
from tests.integration.program import Program

LIBRARY = """
import atexit, logging
atexit.register(lambda: logging.getLogger("kombu").warning("Gone with %s.", "green teapot"))
"""
"""Loaded by Python when it starts."""


@contextmanager
def _worker(start: Callable[..., PenchantProcess], **variables: str) -> Iterator[PenchantProcess]:
    process = start("worker", **variables)
    try:
        process.wait_for("worker_started")
        yield process
    finally:
        process.end()


@contextmanager
def _api(start: Callable[..., PenchantProcess], **variables: str) -> Iterator[PenchantProcess]:
    with serving(start, **variables) as api:
        yield api.process


@pytest.mark.parametrize("running", [_worker, _api])
def test_what_a_library_warns_of_is_a_line_of_the_journal_without_its_values(
    program: Program, tmp_path: Path, running: Callable[..., Iterator[PenchantProcess]]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LIBRARY)

    with running(starting(program), PYTHONPATH=str(tmp_path)) as process:
        pass

    (told,) = process.journal("library_warning")
    assert (told["sentence"], told["logger"]) == ("Gone with %s.", "kombu")
    assert all(line.startswith("{") for line in process.text.splitlines())
