"""`penchant evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from application.evaluate import Evaluate
from application.setup import Setup
from domain.errors import ConfigurationError
from entrypoints.cli.evaluation_report import as_json_object, print_evaluation
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.question import (
    At,
    Events,
    Graph,
    MinEvents,
    Places,
    Products,
    Seed,
    TrainShare,
    material_of,
    question_of,
    sources_of,
)


def evaluate(
    at: At = None,
    train_share: TrainShare = 0.8,
    min_events: MinEvents = 5,
    k: Places = None,
    seed: Seed = 1,
    graph: Graph = None,
    events: Events = None,
    products: Products = None,
    output: Annotated[
        Path | None, typer.Option(help="A folder for evaluation.html and its picture, evaluation.png.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how well Penchant would have predicted what your users bought.

    Everything is learned from what lies before a moment, and held against what was bought after it: products that are
    new to the user, and those bought again. Beside Penchant stand popularity, chance and others, each with the interval
    in which it would lie for 95 of 100 groups of such users in the same weeks. Nothing is changed: neither the log nor
    what is stored.

    Examples:

      penchant evaluate

      penchant evaluate --from events.jsonl --products products.csv --output report
    """
    if output is not None:
        _make(output)
    question = question_of(at, train_share, min_events, k, seed)
    with material_of(events, products) as (container, material):
        asked = Evaluate(material, question, container.recipe(), container.blend(), sources_of(container, graph))
        with progress("ranking for users", asked.users) as advance:
            evaluation = asked(advance)
    setup = Setup(recipe=container.recipe(), blend=container.blend())
    told = as_json_object(evaluation, question, setup)
    written = _write_page(output, told) if output is not None else None
    if as_json:
        print_json({**told, "page": written})
        return
    print_evaluation(evaluation, question.ks, setup)
    if written is not None:
        out.print(f"The page is {written}", markup=False, soft_wrap=True)


def _make(folder: Path) -> None:
    """Now rather than after minutes of ranking, if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}. Choose another --output.") from error


def _write_page(folder: Path, evaluation: dict[str, object]) -> str:
    from entrypoints.cli.evaluation_page import write_page  # it draws, which takes a second to import

    return str(write_page(folder, evaluation))
