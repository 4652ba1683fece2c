"""When what was done in a run: to find out afterwards how something went wrong."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Lock


class Diary:
    """Lines with the time, in a file. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def note(self, text: str) -> None:
        """Add a line."""
        line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n"
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line)
