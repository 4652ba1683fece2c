"""Several worker processes under one: they end together, and one that came to a limit is followed by another.

`penchant stop-workers` ends the supervisor, too: what follows it has the code and the settings of that later moment.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Thread

from adapters.system.system import SignalStop

SUPERVISED = "PENCHANT_SUPERVISED"
"""Set for a supervised process: it ends when its standard input does, so that none outlives a killed supervisor.

The value is MARK and the mark of `stop-workers` that was there when the supervisor started, so that a process that
follows another one is stopped, too, by what was said before it began.
"""

MARK = "mark:"

STDIN = 0
LOOK_SECONDS = 0.2
EXIT_CRASHED = 1
EXIT_MARKED = 3
"""A supervised process was ended by `stop-workers`."""


class Watch:
    """Follows what becomes of the processes, each in its slot: 0, 1, 2, … This one does nothing."""

    def environment(self, slot: int) -> Mapping[str, str]:
        """What a process in this slot needs in its environment."""
        del slot
        return {}

    def restarts(self, slot: int) -> None:
        """The process in this slot came to a limit; another one follows."""


def supervise(
    arguments: Sequence[str], processes: int, stop: SignalStop, stop_mark: str, watch: Watch | None = None
) -> int:
    """Run `penchant` with these arguments so many times at once until asked to stop; return the exit code.

    A process that ends with 0 (at a limit) is followed by a new one. If one ends with anything else, all end; with 0
    where that was `stop-workers`. `stop_mark` is the mark that is there now.
    """
    followed = watch if watch is not None else Watch()

    def start(slot: int) -> "subprocess.Popen[bytes]":
        return _start(arguments, {**followed.environment(slot), SUPERVISED: MARK + stop_mark})

    running = [start(slot) for slot in range(processes)]
    try:
        while not stop.wait(LOOK_SECONDS):
            for at, process in enumerate(running):
                code = process.poll()
                if code == 0:
                    followed.restarts(at)
                    running[at] = start(at)
                elif code == EXIT_MARKED:
                    return 0
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


def mark_of_supervisor() -> str | None:
    """The mark of `stop-workers` when the supervisor started; None where there is no supervisor."""
    return os.environ[SUPERVISED].removeprefix(MARK) if is_supervised() else None


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


def _start(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "entrypoints.program", *arguments],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment},
    )
