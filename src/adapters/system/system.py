"""The real clock and real random ids."""

import signal
import time
import uuid
from datetime import UTC, datetime
from threading import Event
from types import FrameType

LOOK_SECONDS = 0.1
"""How often somebody who waits looks whether a signal has come."""


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class RandomIds:
    """UUIDs, version 4."""

    def new(self) -> str:
        return str(uuid.uuid4())


class SystemProcess:
    """This process as the operating system sees it."""

    def memory_bytes(self) -> int:
        from psutil import Process  # takes a tenth of the start of a command, and few ever ask

        return int(Process().memory_info().rss)


class SignalStop:
    """Asked to end by SIGTERM or SIGINT once `listen` was called, or by another thread.

    A signal only sets a flag, which is looked at several times a second: to set an event in a handler could wait for
    ever for the lock of the wait that it has interrupted.
    """

    def __init__(self) -> None:
        self._event = Event()
        self._signalled = False

    @property
    def asked(self) -> bool:
        return self._signalled or self._event.is_set()

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self.asked:
            left = end - time.monotonic()
            if left <= 0:
                break
            self._event.wait(min(left, LOOK_SECONDS))
        return self.asked

    def ask(self) -> None:
        """Ask this process to end."""
        self._event.set()

    def listen(self) -> None:
        """Take SIGTERM and SIGINT for being asked; a second one of either ends the process at once."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, self._on_signal)

    def _on_signal(self, signal_number: int, _: FrameType | None) -> None:
        signal.signal(signal_number, signal.SIG_DFL)
        self._signalled = True
