"""A shop on embedded parts with made-up products and users, whose events are recorded and applied."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from attrs import frozen
from dependency_injector import providers

from adapters.system.system import SystemClock
from adapters.wordllama.embedder import DIMENSIONS
from application.active_recipe import adopt_recipe
from application.ports.product_catalogue import CataloguePut
from benchmarks import shop
from benchmarks.made_up_catalogue import MadeUpCatalogue, embedded, product_id, real_texts
from domain.interaction import EventType, Interaction
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix
from entrypoints.container import Container
from entrypoints.settings import Settings

PUT_AT_ONCE = 20_000
USERS = 2_000
EVENTS = 50
"""Of each user."""
BUSY = "busy"
"""A user with BUSY_EVENTS: some buy for a shop of their own."""
BUSY_EVENTS = 5_000
DAYS = 60
PHRASES = 200
TYPES = {EventType.SEARCH: 0.1, EventType.VIEW: 0.5, EventType.CLICK: 0.2, EventType.PURCHASE: 0.2}
SKEW = 3
"""Products are drawn by the power of a uniform number, so that some are popular and most are not."""
APPLY = 4_000


class ClockAhead(SystemClock):
    """The real clock, which may be put forward for who measures how long something is ago."""

    def __init__(self) -> None:
        self.seconds_ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds_ahead


@frozen(kw_only=True)
class MadeUpShop:
    """The shop.

    Parameters
    ----------
    matrix : ndarray of shape (products, d), float32: the vectors of its products in memory.
    """

    container: Container
    clock: ClockAhead
    matrix: Matrix
    users: Sequence[str]


@contextmanager
def made_up_shop(products: int) -> Iterator[MadeUpShop]:
    """A shop of so many products in a temporary folder."""
    texts = real_texts()
    with tempfile.TemporaryDirectory(prefix="penchant-shop-") as folder:
        container, clock = Container(settings=Settings(PENCHANT_HOME=Path(folder))), ClockAhead()
        container.clock.override(providers.Object(clock))
        container.schema().upgrade()
        adopt_recipe(container.registry(), container.recipe())
        try:
            matrix = _stock(container, MadeUpCatalogue(embedded(texts), products), products)
            shop.record(container, _events(products, texts[:PHRASES]))
            container.work().drain(APPLY)
            yield MadeUpShop(container=container, clock=clock, matrix=matrix, users=_user_ids())
        finally:
            container.shutdown_resources()


def _stock(container: Container, catalogue: MadeUpCatalogue, products: int) -> Matrix:
    """Put all into the catalogue, past the embedder, in large transactions."""
    matrix = np.empty((products, DIMENSIONS), dtype=np.float32)
    stocked = 0
    for ids, vectors in catalogue.embeddings(PUT_AT_ONCE):
        refused = container.catalogue().put(_puts(container, ids, vectors))
        assert not refused
        matrix[stocked : stocked + len(ids)] = vectors
        stocked += len(ids)
    return matrix


def _puts(container: Container, ids: Sequence[str], vectors: Matrix) -> Sequence[CataloguePut]:
    model, now = container.model(), container.clock().now()
    return [
        CataloguePut(
            product=ProductEmbedding(
                product=Product(product_id=id_, text=f"made-up product {id_}"),
                embedding=vector,
                model=model,
                revision=1,
                updated_at=now,
            ),
            expected_revision=0,
        )
        for id_, vector in zip(ids, vectors, strict=True)
    ]


def _user_ids() -> Sequence[str]:
    return [f"user {number}" for number in range(USERS)]


def _events(products: int, phrases: Sequence[str]) -> Sequence[Interaction]:
    """In the order of time, so that the events of a user are far from each other in the log."""
    random = np.random.default_rng(4)
    users = np.concatenate((np.repeat(_user_ids(), EVENTS), np.repeat([BUSY], BUSY_EVENTS)))
    ages = np.sort(random.random(len(users)) * DAYS)[::-1]
    types = random.choice(list(TYPES), size=len(users), p=list(TYPES.values()))
    rows = (products * random.random(len(users)) ** SKEW).astype(np.int64)
    now = datetime.now(UTC)
    return [
        Interaction(
            message_id=f"made-up {number}",
            user_id=str(user_id),
            event_type=EventType(event_type),
            occurred_at=now - timedelta(days=float(age)),
            **_subject(EventType(event_type), int(row), phrases),
        )
        for number, (user_id, event_type, age, row) in enumerate(
            zip(random.permutation(users), types, ages, rows, strict=True)
        )
    ]


def _subject(event_type: EventType, row: int, phrases: Sequence[str]) -> dict[str, str]:
    if event_type is EventType.SEARCH:
        return {"search_phrase": phrases[row % len(phrases)]}
    return {"product_id": product_id(row)}
