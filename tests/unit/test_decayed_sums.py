"""The laws that make order, batches and repeats of no account."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decay import Decay
from domain.decayed_sums import DecayedSums
from domain.instant import NEVER_US, to_microseconds
from domain.interaction import EventType
from domain.settlement import Effect
from tests.builders import NOW, days_ago, interaction
from tests.reference import RawEvent, expected_of
from tests.unit.strategies import (
    RECIPE,
    SUBJECTS,
    VECTORS,
    assert_equal,
    decays,
    effect_lists,
    instants,
    near_instants,
    sums,
)

any_time = st.one_of(near_instants, instants)


@given(effect_lists(any_time), effect_lists(any_time), decays)
def test_merge_is_commutative(one: list[Effect], other: list[Effect], decay: Decay) -> None:
    a, b = sums(one, decay), sums(other, decay)

    assert_equal(a.merge(b, decay), b.merge(a, decay), decay)


@given(effect_lists(any_time), effect_lists(any_time), effect_lists(any_time), decays)
def test_merge_is_associative(one: list[Effect], two: list[Effect], three: list[Effect], decay: Decay) -> None:
    a, b, c = sums(one, decay), sums(two, decay), sums(three, decay)

    assert_equal(a.merge(b, decay).merge(c, decay), a.merge(b.merge(c, decay), decay), decay)


@given(effect_lists(any_time), decays)
def test_the_empty_sums_are_neutral(some: list[Effect], decay: Decay) -> None:
    a, empty = sums(some, decay), DecayedSums.empty(1, RECIPE.dimensions)

    for merged in (a.merge(empty, decay), empty.merge(a, decay)):
        np.testing.assert_array_equal(merged.vectors, a.vectors)
        np.testing.assert_array_equal(merged.as_of_us, a.as_of_us)


@given(effect_lists(any_time), st.lists(st.integers(0, 12), max_size=4), decays)
def test_a_batch_equals_its_events_however_it_is_split(some: list[Effect], cuts: list[int], decay: Decay) -> None:
    split = DecayedSums.empty(1, RECIPE.dimensions)
    edges = [0, *sorted(min(cut, len(some)) for cut in cuts), len(some)]
    for start, end in pairwise(edges):
        split = sums(some[start:end], decay, onto=split)

    assert_equal(split, sums(some, decay), decay)


@given(effect_lists(any_time), st.randoms(use_true_random=False), decays)
def test_the_order_of_events_is_of_no_account(some: list[Effect], random: object, decay: Decay) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert_equal(sums(shuffled, decay), sums(some, decay), decay)


@given(effect_lists(any_time), effect_lists(any_time), decays)
def test_merging_what_is_negated_undoes_a_merge(kept: list[Effect], undone: list[Effect], decay: Decay) -> None:
    a, b = sums(kept, decay), sums(undone, decay)

    assert_equal(a.merge(b, decay).merge(b.negated(), decay), a, decay, scale=len(kept) + len(undone) + 1.0)


@given(effect_lists(), st.integers(0, 10**13), st.integers(0, 10**13), decays)
def test_writing_down_later_twice_equals_writing_down_once(
    some: list[Effect], first: int, second: int, decay: Decay
) -> None:
    a = sums(some, decay)

    assert_equal(a.at(a.as_of_us + first, decay).at(a.as_of_us + first + second, decay), a, decay)


@given(effect_lists(any_time), decays)
def test_the_sums_are_those_of_the_closed_formula(some: list[Effect], decay: Decay) -> None:
    found = sums(some, decay)
    raw = [
        RawEvent(
            user_id="ann",
            event_type=effect.interaction.event_type,
            subject=effect.interaction.product_id or "",
            occurred_at=effect.interaction.occurred_at,
        )
        for effect in some
    ]
    wanted = expected_of(
        raw, "ann", lambda subject: VECTORS.matrix[VECTORS.products[subject]], RECIPE.weights, decay.rate_per_day
    )

    assert found.counts[0] == wanted.event_count
    assert found.weights[0] == pytest.approx(wanted.weight, rel=1e-9)
    if wanted.as_of is not None:
        assert found.as_of_us[0] == to_microseconds(wanted.as_of)
        np.testing.assert_allclose(found.vectors[0], wanted.vector, rtol=1e-9, atol=1e-12)


@given(st.lists(st.tuples(st.floats(0, 400), st.sampled_from(SUBJECTS)), min_size=1, max_size=20), decays)
def test_for_events_in_order_s_over_w_is_the_incremental_weighted_average(
    deeds: list[tuple[float, str]], decay: Decay
) -> None:
    """avg' = (avg W d + w v) / (W d + w), where d is the decay since the last update and w the weight of the event."""
    deeds = sorted(deeds, reverse=True)
    average, weight, last = np.zeros(RECIPE.dimensions), 0.0, deeds[0][0]
    for age_days, subject in deeds:
        left = weight * math.exp(-decay.rate_per_day * (last - age_days))
        of_event = RECIPE.weights[EventType.PURCHASE]
        vector = VECTORS.matrix[VECTORS.products[subject]].astype(np.float64)
        average = (average * left + of_event * vector) / (left + of_event)
        weight, last = left + of_event, age_days

    found = sums(
        [
            Effect(interaction=interaction("m", EventType.PURCHASE, subject, age_days=age_days), sign=1)
            for age_days, subject in deeds
        ],
        decay,
    )
    np.testing.assert_allclose(found.vectors[0] / found.weights[0], average, atol=1e-6)
    assert found.weights[0] == pytest.approx(weight, rel=1e-6)


def test_a_negative_weight_speaks_against_a_product() -> None:
    clicked = sums([Effect(interaction=interaction("m", EventType.CLICK, "tea"), sign=1)])

    assert clicked.vectors[0] @ VECTORS.matrix[0] == pytest.approx(-0.5)
    assert clicked.weights[0] == pytest.approx(0.5)


def test_users_without_live_events_are_settled_as_exactly_empty() -> None:
    bought = Effect(interaction=interaction("m", EventType.PURCHASE, "tea"), sign=1)
    later = Effect(interaction=interaction("n", EventType.VIEW, "mug", occurred_at=days_ago(-1)), sign=1)
    gone = sums([bought]).merge(sums([later]), RECIPE.decay)
    gone = gone.merge(sums([bought]).negated(), RECIPE.decay).merge(sums([later]).negated(), RECIPE.decay)

    settled = gone.settled()
    assert not settled.vectors.any()
    assert (settled.weights[0], settled.errors[0], settled.as_of_us[0]) == (0.0, 0.0, NEVER_US)


def test_an_ancient_event_is_nothing_beside_one_of_today_and_all_there_is_alone() -> None:
    ancient = Effect(interaction=interaction("m", EventType.PURCHASE, "tea", age_days=46_000), sign=1)
    today = Effect(interaction=interaction("n", EventType.PURCHASE, "mug", occurred_at=NOW), sign=1)

    assert sums([ancient]).norms[0] == pytest.approx(1.0)
    np.testing.assert_array_equal(sums([ancient, today]).vectors, sums([today]).vectors)
