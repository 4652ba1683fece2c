"""Runs the program `penchant` as its user does."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from attrs import frozen

from entrypoints.cli import main
from entrypoints.container import Container
from entrypoints.settings import Settings

TIMEOUT_SECONDS = 600


@frozen(kw_only=True)
class Outcome:
    """How a run of the program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one line of JSON that it printed."""
        (line,) = self.stdout.splitlines()
        return json.loads(line)


@frozen(kw_only=True)
class Program:
    """The program on one PENCHANT_HOME."""

    home: Path
    folder: Path
    """Where it is started."""

    def run(self, *arguments: str, stdin: str | bytes = "", **variables: str) -> Outcome:
        """Run it to its end inside this process: to start Python for each of hundreds of calls would take minutes."""
        stdout, stderr = io.StringIO(), io.StringIO()
        raw = stdin if isinstance(stdin, bytes) else stdin.encode()
        with ExitStack() as stack:
            stack.enter_context(_replaced(os.environ, self.environment(**variables)))
            stack.enter_context(_set(sys, "argv", self.command(*arguments)))
            stack.enter_context(_set(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw))))
            stack.enter_context(chdir(self.folder))
            stack.enter_context(redirect_stdout(stdout))
            stack.enter_context(redirect_stderr(stderr))
            try:
                main()
                code = 0
            except SystemExit as exit_:
                code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        return Outcome(code=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())

    def process(
        self, *arguments: str, stdin: str = "", before: Callable[[], None] | None = None, **variables: str
    ) -> Outcome:
        """Run it to its end as a process of its own. `before` is called in the new process first."""
        process = subprocess.run(
            self.command(*arguments),
            input=stdin.encode(),
            capture_output=True,
            cwd=self.folder,
            env=self.environment(**variables),
            preexec_fn=before,  # the tests start no threads of their own
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return Outcome(code=process.returncode, stdout=process.stdout.decode(), stderr=process.stderr.decode())

    def ok(self, *arguments: str, stdin: str | bytes = "", **variables: str) -> Outcome:
        """Run it, and fail unless it exits with 0."""
        outcome = self.run(*arguments, stdin=stdin, **variables)
        assert outcome.code == 0, outcome.stderr + outcome.stdout
        return outcome

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start it and let it run."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=self.environment(),
        )

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("penchant")), *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENCHANT_", "EMBEDDING_"))}
        return kept | {"PENCHANT_HOME": str(self.home), "COLUMNS": "200", "TERM": "xterm"} | variables

    def container(self) -> Container:
        """The parts of the program on the same home, to look behind the curtain. Dispose its database after use."""
        return Container(settings=Settings(PENCHANT_HOME=self.home))


@contextmanager
def _replaced(mapping: MutableMapping[str, str], values: dict[str, str]) -> Iterator[None]:
    before = dict(mapping)
    mapping.clear()
    mapping.update(values)
    try:
        yield
    finally:
        mapping.clear()
        mapping.update(before)


@contextmanager
def _set(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
