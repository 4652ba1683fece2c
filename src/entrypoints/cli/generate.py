"""`penchant events generate`."""

import time
from collections import Counter
from itertools import islice
from typing import Annotated

import typer

from application.generate_load import GenerateLoad, Load
from application.record import RecordStatus
from domain.errors import ConfigurationError, TransientError
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.wiring import apply_all, penchant
from entrypoints.container import Container

PRODUCTS_USED = 10_000
LARGEST_BATCH = 500
BATCHES_A_SECOND = 20


def generate(
    users: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many users.")] = 100,
    events_per_user: Annotated[int, typer.Option(min=1, max=100_000, help="Events of a user on average.")] = 50,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Events a second; as fast as it goes, if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed chooses the same users and products.")] = 1,
    as_json: Json = False,
) -> None:
    """Record a realistic load: few users and products make most of the events, in sessions; many views, few purchases.

    They are about products of the catalogue, and of users named load-user-…. They count like any other event, so use a
    catalogue and a log that you can throw away.

    Examples:

      penchant events generate --users 100 --events-per-user 50

      penchant events generate --users 1000 --rate 1000
    """
    load = Load(users=users, events_per_user=events_per_user, seed=seed)
    with penchant() as container:
        product_ids = _some_products(container)
        clock = container.clock()
        start = clock.monotonic()
        counts: Counter[str] = Counter()
        source = GenerateLoad(container.ids())(load, product_ids, clock.now())
        size = LARGEST_BATCH if rate is None else max(1, min(LARGEST_BATCH, round(rate / BATCHES_A_SECOND)))
        with progress("recording", load.events) as advance:
            sent = 0
            while batch := list(islice(source, size)):
                try:
                    counts.update(receipt.status for receipt in container.record()(batch))
                except TransientError:
                    counts["failed"] += len(batch)
                sent += len(batch)
                advance(len(batch))
                if rate is not None:
                    time.sleep(max(0.0, start + sent / rate - clock.monotonic()))
        seconds = clock.monotonic() - start
        apply_all(container)
    told = {
        "recorded": counts[RecordStatus.RECORDED],
        "failed": counts["failed"] + counts[RecordStatus.REFUSED],
        "seconds": round(seconds, 3),
        "events_per_second": round(load.events / seconds, 1) if seconds else None,
    }
    if as_json:
        print_json(told)
    else:
        out.print(
            f"{told['recorded']:,} events recorded in {seconds:.1f} s, {load.events / seconds:,.0f} a second; "
            f"{told['failed']:,} failed"
        )
    raise typer.Exit(1 if told["failed"] else 0)


def _some_products(container: Container) -> list[str]:
    """Products of the catalogue, the most popular of the load first."""
    product_ids: list[str] = []
    for ids, _ in container.catalogue().embeddings(1_000):
        product_ids += ids
        if len(product_ids) >= PRODUCTS_USED:
            break
    if not product_ids:
        raise ConfigurationError("The catalogue is empty; import products first: penchant products import FILE.")
    return product_ids
