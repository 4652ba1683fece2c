"""What all contestants are given: real purchases of a shop, and product vectors that nobody has to pay for."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from attrs import evolve

from adapters.online_retail.dataset import OnlineRetail
from application.event_message import Submission
from application.ports.product_catalogue import CataloguePut
from domain.interaction import Interaction
from domain.product import Product, ProductEmbedding
from domain.vectors import Matrix
from entrypoints.container import Container
from entrypoints.worker import RELAY_AT_ONCE

EVENTS = 20_000
USERS = 756
DIMENSIONS = 1536
BATCH = 1_000

WAIT_SECONDS = 10.0

SHIFT_DAYS = 5_000
"""So that the purchases of 2010 happened lately."""


def purchases(events: int = EVENTS, users: int = USERS) -> list[Interaction]:
    """That many purchases of the shop's first so many customers, in the order in which they happened.

    An invoice is a run of events of one user, as it is in a real shop.
    """
    found: list[Interaction] = []
    counts: Counter[str] = Counter()
    for interaction in _all_purchases():
        if len(counts) == users and len(found) >= events:
            break
        if len(counts) < users or interaction.user_id in counts:
            found.append(interaction)
            counts[interaction.user_id] += 1
    drop: set[int] = set()
    for at in np.random.default_rng(1).permutation(len(found)):
        if len(found) - len(drop) == events:
            break
        if counts[found[at].user_id] > 1:
            counts[found[at].user_id] -= 1
            drop.add(at)
    return [interaction for at, interaction in enumerate(found) if at not in drop]


def mixed(interactions: Sequence[Interaction]) -> list[Interaction]:
    """The same in random order: all customers buy at once, item by item."""
    return [interactions[at] for at in np.random.default_rng(2).permutation(len(interactions))]


def product_vectors(product_ids: Sequence[str]) -> Matrix:
    """Random unit vectors, the same at each call: ndarray of shape (len(product_ids), DIMENSIONS), float32."""
    matrix = np.random.default_rng(3).normal(size=(len(product_ids), DIMENSIONS)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix


def put_products(container: Container, interactions: Sequence[Interaction]) -> None:
    """Put what these are about into the catalogue, past the embedder."""
    product_ids = products_of(interactions)
    puts = [
        CataloguePut(
            product=ProductEmbedding(
                product=Product(product_id=product_id, text=f"Product {product_id}"),
                embedding=vector,
                model=container.model(),
                revision=1,
                updated_at=container.clock().now(),
            ),
            expected_revision=0,
        )
        for product_id, vector in zip(product_ids, product_vectors(product_ids), strict=True)
    ]
    for start in range(0, len(puts), BATCH):
        refused = container.catalogue().put(puts[start : start + BATCH])
        assert not refused


def products_of(interactions: Sequence[Interaction]) -> list[str]:
    """The products that these are about."""
    return sorted({interaction.product_id for interaction in interactions if interaction.product_id is not None})


def open_shop(container: Container, interactions: Sequence[Interaction]) -> None:
    """A catalogue, and an earlier purchase of each of these users, applied: nobody starts from nothing."""
    put_products(container, interactions)
    earlier = earlier_purchases(interactions)
    record(container, earlier)
    publish(container)
    work_off(container, len(earlier))
    container.message_source().close()


def work_off(container: Container, deliveries: int) -> None:
    """Apply that many deliveries in this process."""
    while deliveries:
        done = container.work().batch(BATCH, WAIT_SECONDS).deliveries
        assert done, f"{deliveries} events did not come within {WAIT_SECONDS:g} s"
        deliveries -= done


def earlier_purchases(interactions: Sequence[Interaction]) -> list[Interaction]:
    """One more purchase of each of these users, a day before the first of them."""
    first = {interaction.user_id: interaction for interaction in reversed(interactions)}
    return [
        evolve(one, message_id=f"earlier-{one.message_id}", occurred_at=one.occurred_at - timedelta(days=1))
        for one in first.values()
    ]


def publish(container: Container) -> None:
    """Relay all that is in the outbox."""
    while container.relay()(RELAY_AT_ONCE):
        pass


def record(container: Container, interactions: Sequence[Interaction]) -> None:
    """Record these into log and outbox."""
    for start in range(0, len(interactions), BATCH):
        container.record()([Submission(event=event) for event in interactions[start : start + BATCH]])


def _all_purchases() -> list[Interaction]:
    return [
        submission.event
        for _, submission in OnlineRetail().submissions(timedelta(days=SHIFT_DAYS))
        if submission is not None and isinstance(submission.event, Interaction)
    ]
