"""A server program as a child of this process."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree

from attrs import define, field

from tests.services.undertaker import undertaker

STOP_SECONDS = 60
LOG_LINES = 20


def data_folder(name: str) -> Path:
    """A new folder for a server's data, removed at the latest when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"penchant-{name}-"))
    undertaker().watch(folder)
    return folder


def wait_until_frozen(pid: int) -> None:
    """Wait until all threads of a child stand still: for a moment after the signal some go on."""
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


@define(kw_only=True, eq=False)
class Child:
    """A program in a process group of its own, which dies with this process however that ends.

    What it prints goes to a file in `folder`. To start it again takes the same command, so the same port and data.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    """Added to this process's own."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process that leads the group."""
        if self._process is None:
            raise ProcessLookupError(f"{self.command[0]} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        process = self._process
        return process is not None and process.poll() is None

    def start(self) -> None:
        """Start it; it may take a while until it answers."""
        self._forget()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        undertaker().watch(self._process.pid)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is None:
            return
        if self.running:
            self._signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._forget()

    def kill(self) -> None:
        """kill -9 for the whole group."""
        if self.running:
            self._signal(signal.SIGKILL)
        self._forget()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)
        wait_until_frozen(self.pid)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it for good, and remove its data."""
        self.kill()
        rmtree(self.folder, ignore_errors=True)
        undertaker().release(self.folder)

    @property
    def log(self) -> Path:
        """Where it prints to."""
        return self.folder / "output.log"

    def trouble(self) -> str | None:
        """Why it will not answer: it has ended, and these were its last words."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        words = "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        return f"{' '.join(self.command)} ended with {process.returncode}:\n{words}"

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self.pid, number)

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
            undertaker().release(self._process.pid)
            self._process = None
