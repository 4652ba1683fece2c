"""Several worker processes under one: they end together, and one that came to a limit is followed by another."""

import os
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread

from adapters.system.system import SignalStop

SUPERVISED = "PENCHANT_SUPERVISED"
"""Set for a supervised process: it ends when its standard input does, so that none outlives a killed supervisor."""

STDIN = 0
LOOK_SECONDS = 0.2
EXIT_CRASHED = 1


def supervise(arguments: Sequence[str], processes: int, stop: SignalStop) -> int:
    """Run `penchant` with these arguments so many times at once until asked to stop; return the exit code.

    A process that ends with 0 (at a limit) is followed by a new one. If one ends with anything else, all end.
    """
    running = [_start(arguments) for _ in range(processes)]
    try:
        while not stop.wait(LOOK_SECONDS):
            for at, process in enumerate(running):
                code = process.poll()
                if code == 0:
                    running[at] = _start(arguments)
                elif code is not None:
                    return code if code > 0 else EXIT_CRASHED
        return 0
    finally:
        # Not by a signal: who stops a whole group has sent one to each already, and a second ends a worker at once.
        for process in running:
            if process.stdin is not None:
                process.stdin.close()
        for process in running:
            process.wait()


def is_supervised() -> bool:
    """Whether this process was started by `supervise`."""
    return bool(os.environ.get(SUPERVISED))


def end_with_supervisor(stop: SignalStop) -> None:
    """In a supervised process: ask it to end when the supervisor is gone."""
    if not is_supervised():
        return

    def watch() -> None:
        # Not through sys.stdin: the interpreter takes that one's lock when it ends, which this thread would hold.
        while os.read(STDIN, 1024):
            pass
        stop.ask()

    Thread(target=watch, name="supervisor", daemon=True).start()


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "entrypoints.program", *arguments],
        stdin=subprocess.PIPE,
        env={**os.environ, SUPERVISED: "1"},
    )
