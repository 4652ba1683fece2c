"""What `penchant evaluate` and `penchant tune` are asked, and what on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from application.evaluate import Question
from application.event_message import parse_time
from application.read_material import Material
from domain.blend import Source
from domain.errors import ConfigurationError
from domain.instant import to_microseconds
from entrypoints.cli.evaluation_files import read_events, read_products
from entrypoints.cli.output import progress
from entrypoints.cli.wiring import looking
from entrypoints.container import Container

At = Annotated[str | None, typer.Option(help="The moment, RFC 3339 with an offset; otherwise by --train-share.")]
TrainShare = Annotated[
    float, typer.Option(min=0.01, max=0.99, help="The part of the events that lies before the moment.")
]
MinEvents = Annotated[int, typer.Option(min=1, help="Events that a user needs before the moment.")]
Places = Annotated[list[int] | None, typer.Option(min=1, help="Places that are looked at; may be repeated.")]
Seed = Annotated[int, typer.Option(min=0, help="Of whatever is drawn by lot.")]
Events = Annotated[
    Path | None, typer.Option("--from", help="Events in the format of events import, in place of the log.")
]
Products = Annotated[Path | None, typer.Option(help="Products in the format of products import; goes with --from.")]
Graph = Annotated[
    bool | None,
    typer.Option(help="Whether recommendations have a graph; by default they do where NEO4J_URL is set."),
]

KS = (10, 50)


def question_of(at: str | None, train_share: float, min_events: int, k: list[int] | None, seed: int) -> Question:
    """The question; raises InvalidValueError that names the option."""
    return Question(
        at_us=to_microseconds(parse_time("at", at)) if at is not None else None,
        train_share=train_share,
        min_events=min_events,
        ks=tuple(sorted(set(k or KS))),
        seed=seed,
    )


def sources_of(container: Container, graph: bool | None) -> list[Source]:
    """The sources that are served."""
    has_graph = graph if graph is not None else container.settings().neo4j_url is not None
    return [source for source in Source if has_graph or source is not Source.BOUGHT_WITH]


@contextmanager
def material_of(events: Path | None, products: Path | None) -> Iterator[tuple[Container, Material]]:
    """The container, and what there is to learn from: the log in place, or files, of which nothing is stored."""
    if (events is None) != (products is None):
        raise ConfigurationError("--from and --products go together: give the file of the events and that of products.")
    if str(events) == str(products) == "-":
        raise ConfigurationError("Standard input holds either the events or the products; give a file for the other.")
    with looking(needs_log=events is None) as container:
        if events is None or products is None:
            yield container, _logged(container)
        else:
            yield container, _of_files(container, events, products)


def _logged(container: Container) -> Material:
    read = container.read_material()
    with progress("reading the log", read.count()) as advance:
        return read(advance)


def _of_files(container: Container, events: Path, products: Path) -> Material:
    collected = read_events(events, container.clock().now())
    known = read_products(products, container.dimensions())
    columns = collected.columns()
    with progress("embedding texts", None) as advance:
        return container.embed_material()(columns, known, advance)
