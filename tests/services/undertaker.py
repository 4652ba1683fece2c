"""A process that outlives the test run for a moment, to end what the run has left behind.

It reads lines from its standard input: `+123` and `-123` for a process group that has started and ended, `+/folder` and
`-/folder` for a folder that came and went. The input ends when the test run does, even by kill -9; what is still on the
list then is killed and removed. A parent-death signal would not do: it is sent when the thread that started the server
ends, and servers are started again from threads that end before the run does.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TextIO


class Undertaker:
    """This process's line to its undertaker."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
        )
        atexit.register(self._dismiss)

    def watch(self, what: int | Path) -> None:
        """Have a process group killed, or a folder removed, when this process ends."""
        self._tell(f"+{what}\n")

    def release(self, what: int | Path) -> None:
        """It has ended, or is gone."""
        self._tell(f"-{what}\n")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())  # one short write: lines of several threads do not mix
        self._process.stdin.flush()

    def _dismiss(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@cache
def undertaker() -> Undertaker:
    """The undertaker of this process; it starts with the first thing to watch."""
    return Undertaker()


def bury(lines: TextIO) -> None:
    """Read until the input ends, then end what is left."""
    left: set[str] = set()
    for line in lines:
        what = line[1:].rstrip("\n")
        (left.add if line[0] == "+" else left.discard)(what)
    for group in (int(what) for what in left if what.isdigit()):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for folder in (what for what in left if not what.isdigit()):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    bury(sys.stdin)
