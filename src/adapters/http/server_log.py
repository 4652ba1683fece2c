"""What the server below the application has to say, in our journal."""

import logging
import math
import traceback
from pathlib import Path

from application.ports.system import Clock, Journal

LOGGERS = ("uvicorn", "asyncio")
TELL_SECONDS = 10.0
PLACES = 3
"""Of a traceback, the innermost."""


class ServerLog(logging.Handler):
    """Warnings and worse, each sentence once in a while, since callers can cause them.

    Of an exception its type and where it came from, not its text, which may quote a request.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal
        self._clock = clock
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of it."""
        now = self._clock.monotonic()
        if now - self._told.get(str(record.msg), -math.inf) < TELL_SECONDS:
            return
        self._told[str(record.msg)] = now  # templates, of which there are only so many
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self._journal.warning("server_warning", record.getMessage().strip())
            return
        frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        self._journal.warning("server_error", str(record.msg).strip(), error=type(error).__name__, where=where)


def listen(journal: Journal, clock: Clock) -> None:
    """Let the server's loggers write to the journal and nowhere else."""
    handler = ServerLog(journal, clock)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
