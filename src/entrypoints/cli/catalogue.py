"""`penchant products import`."""

from pathlib import Path
from typing import Annotated

import typer

from application.import_products import ImportReport
from domain.attributes import parse_attributes
from domain.errors import InvalidValueError, PenchantError
from domain.identifier import parse_identifier
from domain.product import Product
from domain.vectors import own_vector
from entrypoints.cli.files import ANY_NAME, Format, Record, Rejects, read_records, size_of
from entrypoints.cli.output import Json, file_progress, out, print_json
from entrypoints.cli.wiring import apply_all, penchant

BATCH = 1_000
FIELDS = ("product_id", "text", "attributes", "embedding")
COLUMNS = ("product_id", "text", f"attributes{ANY_NAME}")
"""Of CSV."""

products = typer.Typer(help="The catalogue.", no_args_is_help=True)


@products.command("import")
def import_products(
    file: Annotated[
        Path,
        typer.Argument(help="JSON Lines or CSV: product_id, text, attributes, embedding; - for standard input."),
    ],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Otherwise by the file's name: .csv is CSV.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add products to the catalogue, or change what is known of them: the file is the whole truth on those in it.

    Events that waited for a new product take effect; users of one with another text are rebuilt. A bad line is reported
    and goes to FILE.rejects.jsonl; the rest goes on. Importing a file again changes nothing.

    Attributes are what recommend --where asks for: "attributes": {"colour": "red", "size": ["S", "M"]} in JSON, and in
    CSV a column such as attributes.colour. A product that comes without them has none any more.

    An embedding (JSON only) is used in place of that of the text. It has to be of the model that embeds the search
    phrases, as `recipe show` names it: nothing can tell vectors of another model, and they would match no search.

    Example:

      penchant products import products.csv
    """
    report = ImportReport()
    with penchant() as container, Rejects(file) as rejects:
        batch: list[Product] = []
        dimensions = container.dimensions()
        with file_progress("importing", size_of(file)) as advance:
            for entry in read_records(file, file_format, COLUMNS):
                try:
                    batch.append(parse_product(entry, dimensions))
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


def parse_product(entry: Record, dimensions: int) -> Product:
    """The product of a record, or InvalidValueError. `dimensions` are those of the recipe's model.

    One with a vector of its own and no text is shown by its id.
    """
    if entry.fields is None:
        raise entry.error or InvalidValueError("line", "is unreadable", "mend it")
    for name in entry.fields:
        if name not in FIELDS:
            raise InvalidValueError(str(name)[:64], "is not a field of a product", f"send {', '.join(FIELDS)}")
    fields = {name: value for name, value in entry.fields.items() if value is not None}
    if "product_id" not in fields:
        raise InvalidValueError("product_id", "is missing", "every product needs one")
    product_id = parse_identifier("product_id", fields["product_id"])
    vector = own_vector("embedding", fields["embedding"], dimensions) if "embedding" in fields else None
    return Product(
        product_id=product_id,
        text=fields.get("text", product_id if vector is not None else ""),
        attributes=parse_attributes(fields.get("attributes")),
        vector=vector,
    )
