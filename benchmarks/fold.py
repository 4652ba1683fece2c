"""The fold alone: 1536 dimensions, one core, beside the plain way of one event after the other."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np

from benchmarks.measure import RUNS, in_turn, spread
from benchmarks.report import Report
from domain.decayed_sums import DecayedSums
from domain.fold import fold
from domain.interaction import EventType, Interaction
from domain.recipe import Recipe
from domain.settlement import Effect
from domain.user_embedding import Rounded
from domain.vectors import SubjectVectors

DIMENSIONS = 1536
EVENTS = 2_000
PRODUCTS = 4_000
START = datetime(2026, 1, 1, tzinfo=UTC)
RECIPE = Recipe(model="benchmark", dimensions=DIMENSIONS)

Batch = Sequence[Sequence[Effect]]


def make_vectors(random: np.random.Generator) -> SubjectVectors:
    """Random unit vectors of products."""
    matrix = random.normal(size=(PRODUCTS, DIMENSIONS)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return SubjectVectors(matrix=matrix, products={str(n): n for n in range(PRODUCTS)})


def make_batch(random: np.random.Generator, users: int) -> Batch:
    """A batch of events, one sequence a user, each user's in order of time."""
    batch: list[list[Effect]] = [[] for _ in range(users)]
    for n, user in enumerate(random.integers(0, users, EVENTS)):
        event = Interaction(
            message_id=str(n),
            user_id=str(user),
            event_type=EventType.PURCHASE,
            product_id=str(random.integers(PRODUCTS)),
            occurred_at=START + timedelta(minutes=n),
        )
        batch[user].append(Effect(interaction=event, sign=1))
    return batch


def by_arrays(sums: DecayedSums, batch: Batch, vectors: SubjectVectors) -> Rounded:
    """What Penchant does: all users of the batch at once, rounded to what is stored."""
    return Rounded.of(fold(sums, batch, vectors, RECIPE))


def one_by_one(sums: DecayedSums, batch: Batch, vectors: SubjectVectors) -> list[np.ndarray]:
    """The plain way: for each event, decay the user's vector, add, and normalize what is to be stored."""
    rate_per_second = RECIPE.decay.rate_per_day / 86_400
    stored = []
    for vector, effects in zip(sums.vectors.copy(), batch, strict=True):
        s, last = vector, START
        for effect in effects:
            event = effect.interaction
            s = s * math.exp(-rate_per_second * (event.occurred_at - last).total_seconds())
            s = s + RECIPE.weights[event.event_type] * vectors.matrix[vectors.products[event.product_id or ""]]
            last = event.occurred_at
            embedding = (s / np.linalg.norm(s)).astype(np.float32)
        stored.append(embedding if effects else s.astype(np.float32))
    return stored


def main(report: Report) -> None:
    """Print the table."""
    random = np.random.default_rng(1)
    vectors = make_vectors(random)
    rows, raw = [], {}
    for users in (100, 400, 1_500):
        batch = make_batch(random, users)
        sums = DecayedSums.empty(users, DIMENSIONS)
        _check(by_arrays(sums, batch, vectors), one_by_one(sums, batch, vectors), batch)
        seconds = in_turn(
            {"arrays": partial(by_arrays, sums, batch, vectors), "plain": partial(one_by_one, sums, batch, vectors)}
        )
        rates = {name: [EVENTS / value for value in values] for name, values in seconds.items()}
        ratios = sorted(a / b for a, b in zip(rates["arrays"], rates["plain"], strict=True))
        ratio = f"{ratios[len(ratios) // 2]:.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        rows.append((f"{users:,}", spread(rates["arrays"]), spread(rates["plain"]), ratio))
        raw[str(users)] = rates
    report.table(
        "fold",
        f"Fold of {EVENTS:,} events, {DIMENSIONS} dimensions, one core; {RUNS} runs in turn",
        ("users in the batch", "Penchant, events/s", "one by one, events/s", "ratio"),
        rows,
        raw,
    )


def _check(rounded: Rounded, plain: list[np.ndarray], batch: Batch) -> None:
    """Both ways must come to the same."""
    for embedding, other, effects in zip(rounded.embeddings, plain, batch, strict=True):
        assert not effects or np.abs(embedding - other).max() < 1e-6
