"""The client's own ledger of what was accepted: written only when the answer is there, and then for good."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import asdict, frozen


@frozen(kw_only=True)
class Entry:
    """A message that was answered.

    Parameters
    ----------
    line : its number in the script of its recorder.
    status : recorded, repeated or refused.
    accepted_as : the id of the event in the log; another one where a second retraction is a repeat of the first.
    position : of that event among the events of its user; 0 if it was refused.
    """

    line: int
    status: str
    message: Mapping[str, Any]
    accepted_as: str
    position: int
    reason: str = ""


class Ledger:
    """An append-only file. Only one process writes to it at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cut_torn_line()
        self._file: FileIO = path.open("ab", buffering=0)

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep these; on the return they are on the disk."""
        rest = memoryview("".join(json.dumps(asdict(entry)) + "\n" for entry in entries).encode())
        while rest:
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _cut_torn_line(self) -> None:
        """Forget the end of a write in which the process was killed: its answers count as lost."""
        if not self._path.exists():
            return
        whole = self._path.read_bytes().rfind(b"\n") + 1
        os.truncate(self._path, whole)


def entries_of(path: Path) -> Iterator[Entry]:
    """All entries; none if there is no ledger yet."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Entry(**json.loads(line))


class LineCount:
    """How many lines a file that grows has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._lines = 0

    def now(self) -> int:
        """The number by now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._seen)
                more = file.read()
            self._seen += len(more)
            self._lines += more.count(b"\n")
        return self._lines
