"""Where results go: tables on the terminal, raw figures into a file."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from attrs import define, field
from rich.console import Console
from rich.table import Table

WIDTH = 120


@define
class Report:
    """Prints each table as it is ready, with what else the machine was doing, and keeps the raw figures."""

    _console: Console = field(factory=lambda: Console(width=WIDTH, highlight=False))
    _tables: list[dict[str, Any]] = field(factory=list)

    def table(
        self,
        name: str,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        raw: Any,
        notes: Sequence[str] = (),
    ) -> None:
        """Print a table and keep `raw` under `name`. The first column is text, the others are figures."""
        load = busy()
        table = Table(title=title, caption="\n".join([*notes, load]), title_justify="left", caption_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
        self._console.print()
        self._tables.append({"name": name, "title": title, "load": load, "notes": list(notes), "raw": raw})

    def say(self, sentence: str) -> None:
        """Tell what is going on."""
        self._console.print(f"[dim]{sentence}[/dim]")

    def save(self, path: Path) -> None:
        """Write all raw figures as JSON."""
        path.write_text(json.dumps({"machine": machine(), "tables": self._tables}, indent=1) + "\n")


def busy() -> str:
    """How busy the machine is: more than the benchmark's own processes where others work on it."""
    one, five, fifteen = os.getloadavg()
    return f"{os.cpu_count()} cores; load average {one:.1f}, {five:.1f}, {fifteen:.1f} (1, 5, 15 minutes)"


def machine() -> Mapping[str, Any]:
    """What the figures were taken on."""
    return {
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "processor": platform.processor() or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
