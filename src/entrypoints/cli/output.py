"""What people and programs see: tables and progress on a terminal, one line of JSON for programs."""

import json
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON, for programs.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print `value` as one line of JSON."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False))


def finite(value: float) -> float | None:
    """The number for JSON, which has none that is infinite."""
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON")


def warn(text: str) -> None:
    """Say something on standard error that stops nothing."""
    err.print(Text.assemble(("penchant: ", "bold yellow"), text), soft_wrap=True)


def print_paragraph(text: str, mark: str = "", indent: int = 0, style: str = "", most_lines: int | None = None) -> None:
    """Print a text behind a mark (markup), broken between words only: an address stays whole and can be copied."""
    room = max(out.width - indent, 20)
    lines = textwrap.wrap(
        text, room, break_long_words=False, break_on_hyphens=False, max_lines=most_lines, placeholder=" …"
    )
    for number, line in enumerate(lines):
        shown = Text.from_markup(mark) if number == 0 else Text()
        shown.pad_right(max(0, indent - len(shown)))
        shown.append(line, style)
        out.print(shown, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Table:
    """A table; the columns named in `numbers` stand right-aligned."""
    made = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    made.min_width = min(len(title), out.width)  # a narrow table would break its title
    made.header_style = "dim"
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s", style="dim")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far long work is, how fast it goes and what is left; yields what to call with counts."""
    with _shown(what, total, MofNCompleteColumn(), _Rate()) as advance:
        yield advance


@contextmanager
def file_progress(what: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """The same for a file, in bytes."""
    with _shown(what, size, DownloadColumn(), TransferSpeedColumn()) as advance:
        yield advance


@contextmanager
def _shown(what: str, total: int | None, *columns: ProgressColumn) -> Iterator[Callable[[int], None]]:
    every = (TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn())
    with Progress(*every, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = (now - then).total_seconds()
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} seconds ago"
