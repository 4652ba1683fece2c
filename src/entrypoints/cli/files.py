"""Files of records: JSON Lines or CSV, read line by line, with a rejects file for the bad ones."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
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
MAX_ROW = 100_000
"""Characters of a CSV row: less than what the csv module takes for one field."""
REASONS_SHOWN = 5
ANY_NAME = ".NAME"
"""A column with this behind it stands for all that begin with it."""


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
        regular = source != STDIN and (source.is_file() or not source.exists())
        self.path = Path(f"{source}.rejects.jsonl" if regular else "stdin.rejects.jsonl")
        self.count = 0
        self._file: IO[str] | None = None
        self._told: set[str] = set()

    def __enter__(self) -> "Rejects":
        with self._translated():
            self.path.unlink(missing_ok=True)  # what an earlier import refused says nothing about this one
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, record: Record, reason: Exception) -> None:
        """Write one, and show the first few, each reason once."""
        raw = record.raw.encode("utf-8", "replace").decode()
        with self._translated():
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8")
            entry = {"line": record.line, "reason": str(reason), "record": raw}
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.count += 1
        if self.count == REASONS_SHOWN + 1:
            err.print(f"… more in {self.path}", markup=False, style="yellow", soft_wrap=True)
        elif self.count <= REASONS_SHOWN and str(reason) not in self._told:
            err.print(f"line {record.line}: {reason}", markup=False, style="yellow", soft_wrap=True)
            self._told.add(str(reason))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            text = (
                f"{self.path}, for the lines that are refused, cannot be written: {error.strerror}. Check the folder."
            )
            raise ConfigurationError(text) from error


def read_records(path: Path, file_format: Format | None, columns: Sequence[str]) -> Iterator[Record]:
    """The records of a file, or of standard input for "-".

    Of CSV the columns may be these. One such as "attributes.NAME" stands for all that begin with "attributes."; their
    cells become an object.

    Raises ConfigurationError if the file cannot be read, or is CSV whose first line is not made of some of `columns`.
    """
    if file_format is None:
        file_format = Format.CSV if path.suffix.lower() == ".csv" else Format.JSONL
    with _opened(path) as file:
        records = _csv_records(file, path, columns) if file_format is Format.CSV else _json_records(file)
        for record in records:
            yield record if _is_utf8(record.raw) else Record(line=record.line, raw=record.raw, error=_not_utf8(path))


def _is_utf8(text: str) -> bool:
    """Whether a text that was read as `_opened` does holds nothing that is not UTF-8."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _not_utf8(path: Path) -> InvalidValueError:
    name = path if path != STDIN else Path("input")
    command = f"iconv -f WINDOWS-1252 -t UTF-8 {name} > {name.stem}-utf8{name.suffix}"
    return InvalidValueError("line", "is not UTF-8", f"convert {name} from what it is in, such as: {command}")


def size_of(path: Path) -> int | None:
    """Bytes of a file, for progress; None where that is not known."""
    return path.stat().st_size if path != STDIN and path.is_file() else None


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    # What is not UTF-8 becomes surrogates, which no field accepts: the line is refused, the rest goes on.
    try:
        if path == STDIN:
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="")  # type: ignore[union-attr]
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


def _csv_records(file: IO[str], path: Path, columns: Sequence[str]) -> Iterator[Record]:
    lines = _Lines(file)
    header = next(csv.reader(lines), None)
    if header is None:
        return
    if not _is_utf8("".join(header)):
        raise ConfigurationError(f"{path}, line 1: {_not_utf8(path)}. Nothing was imported.")
    groups = [column.removesuffix(ANY_NAME) for column in columns if column.endswith(ANY_NAME)]
    strange = [name for name in header if name not in columns and _group_of(name, groups) is None]
    if strange or len(set(header)) < len(header):
        what = f"has {strange[0][:64]!r}" if strange else "names a field twice"
        hint = "; separate them by commas" if strange and ";" in strange[0] else ""
        known = f"It must name fields, which are {', '.join(columns)}{hint}"
        raise ConfigurationError(f"The first line of {path} {what}. {known}. Nothing was imported.")
    while lines.begin_row():
        try:
            row = next(csv.reader(lines, strict=True), [])
            problem = f"has {len(row)} fields, not {len(header)}" if row and len(row) != len(header) else None
        except csv.Error as error:
            row, problem = [], f"is not CSV ({error})"
        if problem is not None:
            # A quote that is never closed would swallow what follows: only its first line is refused.
            line, raw = lines.give_back_all_but_the_first()
            yield Record(line=line, raw=raw, error=InvalidValueError("line", problem, "mend it"))
        elif row:
            cells = {name: cell for name, cell in zip(header, row, strict=True) if cell != ""}
            yield _csv_record(lines.first_line, lines.raw, _gathered(cells, groups))


def _group_of(column: str, groups: Sequence[str]) -> str | None:
    """Which of the groups, such as "attributes", a column such as "attributes.colour" belongs to."""
    return next((group for group in groups if column.startswith(f"{group}.")), None)


def _gathered(cells: Mapping[str, str], groups: Sequence[str]) -> dict[str, Any]:
    """The cells of a group as one object."""
    fields: dict[str, Any] = {}
    for column, cell in cells.items():
        group = _group_of(column, groups)
        if group is None:
            fields[column] = cell
        else:
            fields.setdefault(group, {})[column.removeprefix(f"{group}.")] = cell
    return fields


class _Lines:
    """The lines of a file, of which those read since the beginning of a row can be given back."""

    def __init__(self, file: IO[str]) -> None:
        self._file = iter(file)
        self._waiting: list[str] = []
        self._row: list[str] = []
        self._length = 0
        self.first_line = 1
        """The number of the first line of the row."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._file)
        self._row.append(line)
        self._length += len(line)
        if self._length > MAX_ROW:
            raise csv.Error(f"a quote is open for {MAX_ROW} characters")
        return line

    @property
    def raw(self) -> str:
        """The text of the row, without its last line end."""
        return "".join(self._row).rstrip("\r\n")

    def begin_row(self) -> bool:
        """Forget the row that was read; return whether there is another line."""
        self.first_line += len(self._row)
        self._row, self._length = [], 0
        if not self._waiting:
            line = next(self._file, None)
            if line is None:
                return False
            self._waiting.append(line)
        return True

    def give_back_all_but_the_first(self) -> tuple[int, str]:
        """Return number and text of the first line of the row; the others are read again."""
        first, *others = self._row
        self._waiting += reversed(others)
        self._row = [first]
        return self.first_line, self.raw


def _csv_record(line: int, raw: str, cells: dict[str, Any]) -> Record:
    if "properties" in cells:
        try:
            cells["properties"] = json.loads(cells["properties"])
        except (ValueError, RecursionError):
            return Record(line=line, raw=raw, error=InvalidValueError("properties", "is not JSON", "write an object"))
    return Record(line=line, raw=raw, fields=cells)
