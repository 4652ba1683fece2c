"""Processes that may be killed at any moment, and are started again as a supervisor would."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from attrs import define, field

from tests.services.undertaker import undertaker

RESTART_SECONDS = 0.3
"""Until a process that ended by itself is started again."""

STOP_SECONDS = 30


class Role(StrEnum):
    """What a process does."""

    RECORDER = "recorder"
    RELAY = "relay"
    WORKER = "worker"


@define(kw_only=True, eq=False)
class Actor:
    """A process and what became of it. What it prints goes to a file. It dies with this process however that ends."""

    name: str
    role: Role
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    started_at: float = 0.0
    done: bool = False
    """Whether it has come to its end and is not to be started again."""
    ends: Counter[int] = field(factory=Counter)
    """How often it ended by itself with which code."""
    _process: "subprocess.Popen[bytes] | None" = None
    _restart_at: float = 0.0
    _log_start: int = 0

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def look(self, now: float) -> None:
        """Start it if it is time to, and note if it has ended by itself."""
        if self._process is not None:
            code = self._process.poll()
            if code is not None:
                self._ended(code, now)
        elif not self.done and now >= self._restart_at:
            self._start(now)

    def kill(self, restart_at: float) -> None:
        """kill -9, and have it started again at that time."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._forget()
        self._restart_at = restart_at

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.done = True
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
        finally:
            self._forget()

    def has_said(self, words: bytes) -> bool:
        """Whether it has printed this since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return words in log.read()

    def lines(self) -> Iterator[str]:
        """All that it has ever printed."""
        if self.log.exists():
            with self.log.open(encoding="utf-8", errors="replace") as lines:
                yield from lines

    def _start(self, now: float) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        undertaker().watch(self._process.pid)
        self.started_at = now

    def _ended(self, code: int, now: float) -> None:
        self._forget()
        if code == 0 and self.role is Role.RECORDER:
            self.done = True
            return
        self.ends[code] += 1
        self._restart_at = now + RESTART_SECONDS

    def _forget(self) -> None:
        assert self._process is not None
        self._process.wait()
        undertaker().release(self._process.pid)
        self._process = None
