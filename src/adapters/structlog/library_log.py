"""What libraries have to say by Python's own logging, in our journal."""

import logging
import math
import traceback
from pathlib import Path

from application.ports.system import Clock, Journal

TELL_SECONDS = 10.0
SENTENCES_REMEMBERED = 1_000
CHARACTERS = 200
PLACES = 3
"""Of a traceback, the innermost."""


class LibraryLog(logging.Handler):
    """Warnings and worse, each sentence once in a while, since callers and outages cause them in rows.

    Of a sentence its template, and of an error its type and where it came from: the values and texts that would go with
    them may quote a phrase or a request.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    @property
    def remembered(self) -> int:
        """How many sentences it knows to have told."""
        return len(self._told)

    def listen(self) -> None:
        """Be the only one to whom this process's libraries talk, but those that have a listener of their own."""
        root = logging.getLogger()
        root.handlers = [self]
        root.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of it."""
        sentence = str(record.msg).strip().partition("\n")[0][:CHARACTERS]
        if not self._is_due((record.name, sentence)):
            return
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self._journal.warning("library_warning", sentence, logger=record.name)
            return
        frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
        where = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        kind = type(error).__name__
        self._journal.warning("library_error", sentence, logger=record.name, error=kind, where=where)

    def _is_due(self, told: tuple[str, str]) -> bool:
        now = self._clock.monotonic()
        if now - self._told.get(told, -math.inf) < TELL_SECONDS:
            return False
        if len(self._told) >= SENTENCES_REMEMBERED:
            self._told.clear()
        self._told[told] = now
        return True
