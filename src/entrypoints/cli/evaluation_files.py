"""Events and products of files, for an evaluation that stores nothing."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from application.collect_events import CollectEvents
from application.event_message import FIELDS, parse_event
from application.record import check_not_ahead
from domain.errors import InvalidValueError, PenchantError
from domain.product import Product
from entrypoints.cli.catalogue import COLUMNS, parse_product
from entrypoints.cli.files import REASONS_SHOWN, Record, read_records, size_of
from entrypoints.cli.output import file_progress, warn


def read_events(path: Path, now: datetime) -> CollectEvents:
    """The events of a file. Bad lines are told and left out, and so is what lies in the future."""
    collected = CollectEvents()
    with _Refused(path) as refused:
        for record in _records(path, FIELDS, "reading events"):
            try:
                event = parse_event(_fields(record)).event
                check_not_ahead(event, now)
                collected.add(event, record.line)
            except PenchantError as error:
                refused.add(record, error)
    return collected


def read_products(path: Path, dimensions: int) -> dict[str, Product]:
    """The products of a file by id, the last where there are several; their own vectors are of `dimensions`."""
    products: dict[str, Product] = {}
    with _Refused(path) as refused:
        for record in _records(path, COLUMNS, "reading products"):
            try:
                product = parse_product(record, dimensions)
                products[product.product_id] = product
            except PenchantError as error:
                refused.add(record, error)
    return products


class _Refused:
    """Tells the first reasons for which lines are refused, each once, and in the end how many there were."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._told: set[str] = set()

    def __enter__(self) -> "_Refused":
        return self

    def __exit__(self, *_: object) -> None:
        if self._count:
            warn(f"{self._count:,} lines of {self._path} are refused and left out.")

    def add(self, record: Record, reason: Exception) -> None:
        """Count one."""
        self._count += 1
        if len(self._told) < REASONS_SHOWN and str(reason) not in self._told:
            self._told.add(str(reason))
            warn(f"{self._path}, line {record.line}: {reason}")


def _records(path: Path, columns: tuple[str, ...], what: str) -> Iterator[Record]:
    with file_progress(what, size_of(path)) as advance:
        for record in read_records(path, None, columns):
            yield record
            advance(len(record.raw) + 1)


def _fields(record: Record) -> dict[str, object]:
    if record.fields is None:
        raise record.error or InvalidValueError("line", "is unreadable", "mend it")
    return dict(record.fields)
