"""Processes of the program `penchant` that run until somebody ends them."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import define, field

from tests.services.child import wait_until_frozen
from tests.services.undertaker import undertaker
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 60.0
LAST_LINES = 30


@define(kw_only=True, eq=False)
class PenchantProcess:
    """A process in a group of its own, whose journal can be read while it runs. It starts at once; a `with` ends it."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    output: Path
    """Where it prints to, both streams."""
    _process: "subprocess.Popen[bytes]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.output.parent,
                env=dict(self.environment),
                start_new_session=True,
            )
        undertaker().watch(self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The process itself, which leads its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def text(self) -> str:
        """All that it has printed so far."""
        return self.output.read_text(errors="replace")

    def journal(self, action: str | None = None) -> list[dict[str, Any]]:
        """The lines of its journal so far, or those of one action."""
        complete = self.text.rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in complete if line.startswith("{")]
        return [line for line in lines if action is None or line["action"] == action]

    def wait_for(self, action: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until its journal has so many lines of this action, and return them. Fails when it ends before."""

        def told() -> list[dict[str, Any]]:
            ended = not self.running
            lines = self.journal(action)
            assert len(lines) >= count or not ended, f"it has ended without {action}:\n{self.last_words()}"
            return lines if len(lines) >= count else []

        return wait_until(told, DEADLINE_SECONDS, f"the action {action} in the journal of {' '.join(self.command)}")

    def terminate(self) -> None:
        """SIGTERM, for the process alone."""
        self._process.terminate()

    def interrupt(self) -> None:
        """Ctrl-C, for the process alone."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """kill -9, for the process alone."""
        self._process.kill()

    def pause(self) -> None:
        """Freeze it in the middle of whatever it does."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until_frozen(self.pid)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        return self._process.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        """Ask it to end if it runs; kill what is left of its group."""
        if self.running:
            self.resume()
            self.terminate()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self._kill_group()
                raise
        self._kill_group()
        undertaker().release(self.pid)

    def last_words(self) -> str:
        """The end of what it printed."""
        return "\n".join(self.text.splitlines()[-LAST_LINES:])

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
