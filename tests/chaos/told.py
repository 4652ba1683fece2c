"""What workers tell in their journals, as far as it got out before they were killed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any


def told(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The entries of a journal; what is no JSON, or was torn, is left out."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "action" in entry:
            yield entry


def sums(entries: Iterable[dict[str, Any]], action: str) -> Counter[str]:
    """All numbers in the entries with this action, added up by field."""
    total: Counter[str] = Counter()
    for entry in entries:
        if entry["action"] == action:
            total.update({name: value for name, value in entry.items() if isinstance(value, int)})
    return total


def not_told(lines: Iterable[str]) -> list[str]:
    """Lines that are no journal: error texts, and of tracebacks what stands at the margin."""
    return [line.rstrip() for line in lines if line.strip() and line[0] not in "{ "]
