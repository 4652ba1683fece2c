"""Files of records: JSON Lines or CSV, read line by line, with a rejects file for the bad ones."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from attrs import frozen

from domain.errors import ConfigurationError, InvalidValueError
from entrypoints.cli.output import err

STDIN = Path("-")
MAX_LINE = 1_000_000
REASONS_SHOWN = 5


class Format(StrEnum):
    """How a file is written."""

    JSONL = "jsonl"
    CSV = "csv"


@frozen(kw_only=True)
class Record:
    """One record of a file: its line number (of its first line), its raw text, and its fields or what is wrong."""

    line: int
    raw: str
    fields: Mapping[str, Any] | None = None
    error: InvalidValueError | None = None


class Rejects:
    """Writes the records that are refused, with line number and reason, to a file beside the input."""

    def __init__(self, source: Path) -> None:
        self.path = Path("stdin.rejects.jsonl") if source == STDIN else Path(f"{source}.rejects.jsonl")
        self.count = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, record: Record, reason: Exception) -> None:
        """Write one, and show the first few."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        raw = record.raw.encode("utf-8", "replace").decode()
        self._file.write(json.dumps({"line": record.line, "reason": str(reason), "record": raw}) + "\n")
        self.count += 1
        if self.count <= REASONS_SHOWN:
            err.print(f"line {record.line}: {reason}", markup=False, style="yellow")
        elif self.count == REASONS_SHOWN + 1:
            err.print(f"… more in {self.path}", markup=False, style="yellow")


def read_records(path: Path, file_format: Format | None) -> Iterator[Record]:
    """The records of a file, or of standard input for "-".

    Raises ConfigurationError if the file cannot be read, or is CSV without a header.
    """
    if file_format is None:
        file_format = Format.CSV if path.suffix.lower() == ".csv" else Format.JSONL
    with _opened(path) as file:
        yield from _csv_records(file, path) if file_format is Format.CSV else _json_records(file)


def size_of(path: Path) -> int | None:
    """Bytes of a file, for progress; None where that is not known."""
    return path.stat().st_size if path != STDIN and path.is_file() else None


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    # What is not UTF-8 becomes surrogates, which no field accepts: the line is refused, the rest goes on.
    try:
        if path == STDIN:
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")  # type: ignore[union-attr]
            yield sys.stdin
        else:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                yield file
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def _json_records(file: IO[str]) -> Iterator[Record]:
    for number, line in enumerate(file, start=1):
        raw = line.strip()
        if not raw:
            continue
        if len(raw) > MAX_LINE:
            error = InvalidValueError("line", f"has {len(raw)} characters", f"send at most {MAX_LINE}")
            yield Record(line=number, raw=raw[:1_000], error=error)
            continue
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError):
            yield Record(line=number, raw=raw, error=InvalidValueError("line", "is not JSON", "send one object a line"))
            continue
        if isinstance(fields, dict):
            yield Record(line=number, raw=raw, fields=fields)
        else:
            yield Record(
                line=number, raw=raw, error=InvalidValueError("line", "is not an object", "send one object a line")
            )


def _csv_records(file: IO[str], path: Path) -> Iterator[Record]:
    rows = csv.reader(file)
    header = next(rows, None)
    if header is None:
        return
    if len(set(header)) < len(header) or not all(header):
        raise ConfigurationError(f"{path} must begin with a line of different field names, such as message_id,user_id.")
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as problem:
            yield Record(line=line, raw="", error=InvalidValueError("line", f"is not CSV ({problem})", "mend it"))
            continue
        if row is None:
            return
        raw = ",".join(row)
        if not row:
            continue
        if len(row) != len(header):
            error = InvalidValueError("line", f"has {len(row)} fields, not {len(header)}", "write one for each name")
            yield Record(line=line, raw=raw, error=error)
            continue
        yield _csv_record(line, raw, {name: cell for name, cell in zip(header, row, strict=True) if cell != ""})


def _csv_record(line: int, raw: str, cells: dict[str, Any]) -> Record:
    if "properties" in cells:
        try:
            cells["properties"] = json.loads(cells["properties"])
        except (ValueError, RecursionError):
            return Record(line=line, raw=raw, error=InvalidValueError("properties", "is not JSON", "write an object"))
    return Record(line=line, raw=raw, fields=cells)
