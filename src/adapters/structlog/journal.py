"""The journal as JSON lines."""

import sys
from typing import TextIO

import structlog

_FOR_PROGRAMS = (
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.EventRenamer("sentence"),
    structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
)
_FOR_EYES = (
    structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
    structlog.dev.ConsoleRenderer(pad_event_to=0),
)


class StructlogJournal:
    """One JSON object a line: `timestamp`, `level`, `action`, `sentence`, then the fields. For eyes on a terminal.

    Parameters
    ----------
    stream : where the lines go; standard error if not given.
    bound : fields that every line carries, such as the id of the process.
    """

    def __init__(self, stream: TextIO | None = None, **bound: object) -> None:
        out = stream if stream is not None else sys.stderr
        rendered = _FOR_EYES if out.isatty() else _FOR_PROGRAMS
        processors = [structlog.processors.add_log_level, *rendered]
        self._logger = structlog.wrap_logger(structlog.WriteLogger(out), processors=processors).bind(**bound)

    def info(self, action: str, sentence: str, **fields: object) -> None:
        self._logger.info(sentence, action=action, **fields)

    def warning(self, action: str, sentence: str, **fields: object) -> None:
        self._logger.warning(sentence, action=action, **fields)
