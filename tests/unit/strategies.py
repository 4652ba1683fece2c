"""What Hypothesis draws for the laws of the domain: effects on one small recipe, and the sums they come to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from domain.decay import Decay
from domain.decayed_sums import DecayedSums
from domain.fold import fold
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe
from domain.settlement import Effect
from domain.vectors import SubjectVectors, unit_rows
from tests.builders import NOW, interaction

SUBJECTS = ("tea", "mug", "pot", "tin")
RECIPE = Recipe(model="laws", dimensions=5, weights={**DEFAULT_WEIGHTS, EventType.CLICK: -0.5})
"""Clicks speak against a product here, so that negative weights take part in every law."""

VECTORS = SubjectVectors(
    matrix=unit_rows("vector", np.random.default_rng(7).normal(size=(len(SUBJECTS), 5)), 5),
    products={subject: row for row, subject in enumerate(SUBJECTS)},
)

rates = st.sampled_from([0.0, 0.001, 0.023, 1.0, 40.0])
decays = rates.map(lambda rate: Decay(rate_per_day=rate))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_instants = st.integers(0, 90 * 86_400_000_000).map(lambda us: NOW - timedelta(microseconds=us))
event_types = st.sampled_from([EventType.VIEW, EventType.CLICK, EventType.PURCHASE])


@st.composite
def effects(draw: st.DrawFn, times: st.SearchStrategy[datetime] = near_instants) -> Effect:
    """An interaction that is added."""
    event = interaction("m", draw(event_types), draw(st.sampled_from(SUBJECTS)), occurred_at=draw(times))
    return Effect(interaction=event, sign=1)


def effect_lists(times: st.SearchStrategy[datetime] = near_instants) -> st.SearchStrategy[list[Effect]]:
    """Up to 12 interactions of one user."""
    return st.lists(effects(times), max_size=12)


def recipe_with(decay: Decay) -> Recipe:
    """The recipe of the laws with another decay."""
    return Recipe(model=RECIPE.model, dimensions=RECIPE.dimensions, weights=RECIPE.weights, decay=decay)


def sums(effects: Sequence[Effect], decay: Decay = RECIPE.decay, onto: DecayedSums | None = None) -> DecayedSums:
    """The sums of one user after these effects."""
    base = onto if onto is not None else DecayedSums.empty(1, RECIPE.dimensions)
    return fold(base, [effects], VECTORS, recipe_with(decay))


def assert_equal(one: DecayedSums, other: DecayedSums, decay: Decay = RECIPE.decay, scale: float = 1.0) -> None:
    """Fail unless both are the same at one time, up to rounding beside `scale`, the largest W on the way."""
    times_us = np.maximum(one.as_of_us, other.as_of_us)
    one, other = one.at(times_us, decay), other.at(times_us, decay)
    np.testing.assert_allclose(one.vectors, other.vectors, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_array_equal(one.counts, other.counts)
