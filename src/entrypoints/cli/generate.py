"""`penchant events generate`."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Annotated

import typer

from application.event_message import Submission
from application.generate_load import GenerateLoad, Load
from application.record import RecordStatus
from domain.errors import ConfigurationError, TransientError
from entrypoints.cli.output import Json, out, print_json, progress, warn
from entrypoints.cli.wiring import apply_all, looking, penchant
from entrypoints.container import Container

PRODUCTS_USED = 10_000
LARGEST_BATCH = 500
BATCHES_A_SECOND = 20
LEAST_SECONDS = 1e-6
"""What a clock can tell."""

Send = Callable[[Sequence[Submission]], Mapping[RecordStatus, int]]
"""Has events recorded, and says how many came to what."""


def generate(
    users: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many users.")] = 100,
    events_per_user: Annotated[int, typer.Option(min=1, max=100_000, help="Events of a user on average.")] = 50,
    events: Annotated[
        int | None, typer.Option(min=1, max=1_000_000_000, help="How many events in all, instead of that.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Events a second; as fast as it goes, if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed chooses the same users and products.")] = 1,
    http: Annotated[
        str | None, typer.Option(metavar="URL", help="Send them to the API that runs there, as a shop does.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record a realistic load: few users and products make most of the events, in sessions; many views, few purchases.

    They are about products of the catalogue, and of users named load-user-…. They count like any other event, so use a
    catalogue and a log that you can throw away. With --http they go through a running API, 500 in a request, with the
    key in PENCHANT_CLIENT_KEY where it wants one.

    Examples:

      penchant events generate --users 100 --events-per-user 50

      penchant events generate --users 1000 --rate 1000

      penchant events generate --events 1000 --http http://127.0.0.1:8080
    """
    load = Load(users=users, events=events if events is not None else users * events_per_user, seed=seed)
    counts: Counter[str] = Counter()
    with penchant() if http is None else looking() as container:
        product_ids = _some_products(container)
        clock = container.clock()
        source = GenerateLoad(container.ids())(load, product_ids, clock.now())
        size = LARGEST_BATCH if rate is None else max(1, min(LARGEST_BATCH, round(rate / BATCHES_A_SECOND)))
        with _sending(container, http) as send, progress("recording", load.events) as advance:
            start, sent, trouble = clock.monotonic(), 0, None
            while batch := list(islice(source, size)):
                try:
                    counts.update(send(batch))
                except TransientError as error:
                    counts["failed"] += len(batch)
                    trouble = error
                sent += len(batch)
                advance(len(batch))
                if rate is not None:
                    time.sleep(max(0.0, start + sent / rate - clock.monotonic()))
            seconds = clock.monotonic() - start
        if http is None:
            apply_all(container)
    if trouble is not None:
        warn(str(trouble))
    _tell(counts, seconds, as_json)
    raise typer.Exit(1 if counts["failed"] or counts[RecordStatus.REFUSED] else 0)


@contextmanager
def _sending(container: Container, http: str | None) -> Iterator[Send]:
    """What has events recorded: this process, or the API at a URL."""
    if http is None:
        record = container.record()
        yield lambda batch: Counter(receipt.status for receipt in record(batch))
        return
    with closing(container.api_client(http)) as client:
        yield client.record


def _tell(counts: Mapping[str, int], seconds: float, as_json: bool) -> None:
    recorded, refused, failed = (counts[key] for key in (RecordStatus.RECORDED, RecordStatus.REFUSED, "failed"))
    per_second = recorded / max(seconds, LEAST_SECONDS)
    if as_json:
        print_json(
            {
                "recorded": recorded,
                "refused": refused,
                "failed": failed + refused,
                "seconds": round(seconds, 3),
                "events_per_second": round(per_second, 1),
            }
        )
    else:
        out.print(
            f"{recorded:,} events accepted in {seconds:.1f} s, {per_second:,.0f} a second; "
            f"{refused:,} refused, {failed:,} failed"
        )


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
