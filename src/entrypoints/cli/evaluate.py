"""`penchant evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from application.evaluate import Evaluate, Question
from application.event_message import parse_time
from application.read_material import Material
from domain.errors import ConfigurationError
from domain.instant import to_microseconds
from entrypoints.cli.evaluation_files import read_events, read_products
from entrypoints.cli.evaluation_report import as_json_object, print_evaluation
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.wiring import looking
from entrypoints.container import Container

KS = (10, 50)


def evaluate(
    at: Annotated[
        str | None, typer.Option(help="The moment, RFC 3339 with an offset; otherwise by --train-share.")
    ] = None,
    train_share: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="The part of the events that lies before the moment.")
    ] = 0.8,
    min_events: Annotated[int, typer.Option(min=1, help="Events that a user needs before the moment.")] = 5,
    k: Annotated[list[int] | None, typer.Option(min=1, help="Places that are looked at; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of whatever is drawn by lot.")] = 1,
    events: Annotated[
        Path | None, typer.Option("--from", help="Events in the format of events import, in place of the log.")
    ] = None,
    products: Annotated[
        Path | None, typer.Option(help="Products in the format of products import; goes with --from.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A folder for evaluation.html and its picture, evaluation.png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how well Penchant would have predicted what your users bought.

    Everything is learned from what lies before a moment, and held against what was bought after it: products that are
    new to the user, and those bought again. Beside Penchant stand popularity, chance and others, each with the interval
    in which it would lie for 95 of 100 groups of such users. Nothing is changed: neither the log nor what is stored.

    Examples:

      penchant evaluate

      penchant evaluate --from events.jsonl --products products.csv --output report
    """
    question = Question(
        at_us=to_microseconds(parse_time("at", at)) if at is not None else None,
        train_share=train_share,
        min_events=min_events,
        ks=tuple(sorted(set(k or KS))),
        seed=seed,
    )
    with looking() as container:
        asked = Evaluate(_material(container, events, products), question, container.recipe(), container.blend())
        with progress("ranking for users", asked.users) as advance:
            evaluation = asked(advance)
    written = _write_page(output, as_json_object(evaluation, question)) if output is not None else None
    if as_json:
        print_json({**as_json_object(evaluation, question), "page": written})
        return
    print_evaluation(evaluation, question.ks)
    if written is not None:
        out.print(f"The page is {written}", markup=False, soft_wrap=True)


def _material(container: Container, events: Path | None, products: Path | None) -> Material:
    if events is None and products is None:
        read = container.read_material()
        with progress("reading the log", read.count()) as advance:
            return read(advance)
    if events is None or products is None:
        raise ConfigurationError("--from and --products go together: give the file of the events and that of products.")
    collected, known = read_events(events), read_products(products, container.dimensions())
    columns = collected.columns()
    with progress("embedding texts", None) as advance:
        return container.embed_material()(columns, known, advance)


def _write_page(folder: Path, evaluation: dict[str, object]) -> str:
    from entrypoints.cli.evaluation_page import write_page  # it draws, which takes a second to import

    return str(write_page(folder, evaluation))
