"""`penchant products import`."""

from pathlib import Path
from typing import Annotated

import typer

from application.import_products import ImportReport
from domain.errors import InvalidValueError, PenchantError
from domain.identifier import parse_identifier
from domain.product import Product
from entrypoints.cli.files import Format, Record, Rejects, read_records, size_of
from entrypoints.cli.output import Json, file_progress, out, print_json
from entrypoints.cli.wiring import apply_all, penchant

BATCH = 1_000
FIELDS = ("product_id", "text")

products = typer.Typer(help="The catalogue.", no_args_is_help=True)


@products.command("import")
def import_products(
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV with product_id and text; - for standard input.")],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Otherwise by the file's name: .csv is CSV.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add products to the catalogue, or change their texts.

    Events that waited for a new product take effect; users of a changed one are rebuilt. A bad line is reported and
    goes to FILE.rejects.jsonl; the rest goes on. Importing a file again changes nothing.

    Example:

      penchant products import products.csv
    """
    report = ImportReport()
    with penchant() as container, Rejects(file) as rejects:
        batch: list[Product] = []
        with file_progress("importing", size_of(file)) as advance:
            for entry in read_records(file, file_format, FIELDS):
                try:
                    batch.append(parse_product(entry))
                except PenchantError as error:
                    rejects.add(entry, error)
                if len(batch) >= BATCH:
                    report += container.import_products()(batch)
                    batch = []
                advance(len(entry.raw) + 1)
            report += container.import_products()(batch)
        apply_all(container)
    if as_json:
        print_json(
            {
                "added": report.added,
                "changed": report.changed,
                "unchanged": report.unchanged,
                "events_released": report.events_released,
                "users_rebuilt": report.users_rebuilt,
                "refused": rejects.count,
                "rejects_file": str(rejects.path) if rejects.count else None,
            }
        )
    else:
        out.print(f"{report.added:,} added, {report.changed:,} changed, {report.unchanged:,} unchanged")
        if report.events_released:
            out.print(f"{report.events_released:,} events that waited for them have been released")
        if report.users_rebuilt:
            out.print(f"{report.users_rebuilt:,} users rebuilt")
        if rejects.count:
            out.print(f"{rejects.count:,} refused: see {rejects.path}, each with its reason", markup=False)
    raise typer.Exit(1 if rejects.count else 0)


def parse_product(entry: Record) -> Product:
    """The product of a record, or InvalidValueError."""
    if entry.fields is None:
        raise entry.error or InvalidValueError("line", "is unreadable", "mend it")
    for name in entry.fields:
        if name not in FIELDS:
            raise InvalidValueError(str(name)[:64], "is not a field of a product", "send product_id and text")
    if entry.fields.get("product_id") is None:
        raise InvalidValueError("product_id", "is missing", "every product needs one")
    return Product(
        product_id=parse_identifier("product_id", entry.fields["product_id"]), text=entry.fields.get("text", "")
    )
