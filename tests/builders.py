"""Small builders: events, submissions and deliveries with as little text as a test can do with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from attrs import evolve

from application.event_message import Submission
from application.ports.message_source import Delivery
from domain.interaction import Event, EventType, Interaction, LoggedEvent, Retraction
from domain.product import Product, ProductEmbedding
from domain.user_embedding import UserEmbedding
from domain.vectors import Matrix, Vector

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""The present of every test."""

DIMENSIONS = 4
"""Length of the vectors that these builders make."""

ODD_TEXTS = (
    "🧁👩‍👩‍👧‍👦",
    "قميص أزرق",
    "e\u0301",
    "é",
    "ABC",
    "abc",
    "abc ",
    " abc",
    "a\x00b",
    "a",
    "%' OR 1=1 --",
)
"""Texts that some database somewhere folds, trims, cuts short, or takes for one another."""


def stable_id(value: object) -> str:
    """An id for a parameter that is the same in every process: no address, no order of a set."""
    text = ascii(sorted(value) if isinstance(value, set | frozenset) else value)
    return text.partition(" object at ")[0][:120]


def days_ago(days: float) -> datetime:
    """A time before NOW."""
    return NOW - timedelta(days=days)


def interaction(
    message_id: str, event_type: EventType, subject: str, user_id: str = "ann", age_days: float = 0.0, **fields: Any
) -> Interaction:
    """What a user did some days ago. `subject` is the phrase of a search and the product of anything else."""
    is_search = event_type is EventType.SEARCH
    event = Interaction(
        message_id=message_id,
        user_id=user_id,
        event_type=event_type,
        occurred_at=days_ago(age_days),
        product_id=None if is_search else subject,
        search_phrase=subject if is_search else None,
    )
    return evolve(event, **fields)


def viewed(message_id: str, product_id: str = "tea", user_id: str = "ann", age_days: float = 0.0) -> Interaction:
    """A user viewed a product."""
    return interaction(message_id, EventType.VIEW, product_id, user_id, age_days)


def bought(
    message_id: str, product_id: str = "tea", user_id: str = "ann", age_days: float = 0.0, **fields: Any
) -> Interaction:
    """A user bought a product."""
    return interaction(message_id, EventType.PURCHASE, product_id, user_id, age_days, **fields)


def searched(
    message_id: str, phrase: str = "green tea", user_id: str = "ann", age_days: float = 0.0, **fields: Any
) -> Interaction:
    """A user searched for something."""
    return interaction(message_id, EventType.SEARCH, phrase, user_id, age_days, **fields)


def retraction(message_id: str, target: Event | str, user_id: str | None = None, **fields: Any) -> Retraction:
    """A user takes `target` (an event or its message id) back."""
    owner, retracts = ("ann", target) if isinstance(target, str) else (target.user_id, target.message_id)
    event = Retraction(
        message_id=message_id,
        user_id=user_id if user_id is not None else owner,
        retracts=retracts,
        occurred_at=NOW,
    )
    return evolve(event, **fields)


def submitted(*events: Event) -> list[Submission]:
    """These events, as somebody wants them recorded."""
    return [Submission(event=event) for event in events]


def logged(event: Event, position: int, retracted_by: int | None = None) -> LoggedEvent:
    """The event, as the log would hold it at that position."""
    return LoggedEvent(event=event, position=position, recorded_at=NOW, retracted_by=retracted_by)


def deliveries(*events: LoggedEvent) -> list[Delivery]:
    """These logged events, handed out in this order."""
    return [Delivery(logged=event, tag=tag) for tag, event in enumerate(events, start=1)]


def products(**texts: str) -> list[Product]:
    """Products by id and text: products(tea="green tea")."""
    return [Product(product_id=product_id, text=text) for product_id, text in texts.items()]


def unit_vectors(count: int, dimensions: int = DIMENSIONS, seed: int = 1) -> Matrix:
    """ndarray of shape (count, dimensions), float32, rows of unit length; others for another seed."""
    rows = np.random.default_rng(seed).normal(size=(count, dimensions))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def unit_vector(seed: int = 1) -> Vector:
    """ndarray of shape (DIMENSIONS,), float32, of unit length."""
    vector: Vector = unit_vectors(1, seed=seed)[0]
    return vector


def stored_state(user_id: str = "ann", write_id: str = "w1", **fields: Any) -> UserEmbedding:
    """A state as a writer hands it to the store; without live events unless `fields` say otherwise."""
    state = UserEmbedding(
        user_id=user_id, recipe="recipe-1", model="model-1", version=1, write_id=write_id, last_updated=NOW
    )
    return evolve(state, **fields)


def own_product(product_id: str = "tea", vector: Vector | None = None, **fields: Any) -> Product:
    """A product with a vector of the shop's own."""
    return Product(
        product_id=product_id, text=product_id, vector=vector if vector is not None else unit_vector(), **fields
    )


def in_catalogue(product_id: str = "tea", text: str = "green tea", **fields: Any) -> ProductEmbedding:
    """A product of the catalogue, in its first revision."""
    product = ProductEmbedding(
        product=Product(product_id=product_id, text=text),
        embedding=unit_vector(),
        model="model-1",
        revision=1,
        updated_at=NOW,
    )
    return evolve(product, **fields)
