import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from application.fold_of_applied import ROUNDINGS_ALLOWED
from domain.applied_positions import AppliedPositions
from domain.decay import Decay
from domain.decayed_sums import DecayedSums
from domain.interaction import EventType
from domain.settlement import Effect
from domain.user_embedding import MAX_MISSING_GROWTH, ROUNDING, Rounded, UserEmbedding, distances, sums_of
from tests.builders import NOW, days_ago, interaction
from tests.unit.strategies import RECIPE, SUBJECTS, effect_lists, instants, near_instants, recipe_with, sums

EMPTY = UserEmbedding(user_id="ann", recipe=RECIPE.id, model=RECIPE.model)


def _store(unrounded: DecayedSums) -> UserEmbedding:
    return Rounded.of(unrounded).state(0, EMPTY, AppliedPositions())


def _effect(event_type: EventType, subject: str, age_days: float = 0.0, sign: int = 1) -> Effect:
    return Effect(interaction=interaction("m", event_type, subject, age_days=age_days), sign=sign)


@given(effect_lists(st.one_of(near_instants, instants)))
def test_a_stored_state_gives_back_the_sums_up_to_float32(some: list[Effect]) -> None:
    unrounded = sums(some).settled()
    state = _store(unrounded)

    off = distances(sums_of([state], RECIPE), unrounded, RECIPE.decay)[0]
    assert off <= max(state.error, 1e-300)
    if state.embedding is not None:
        assert state.embedding.dtype == np.float32
        assert np.linalg.norm(state.embedding) == pytest.approx(1.0, abs=1e-6)


@given(effect_lists(st.one_of(near_instants, instants)))
def test_focus_is_between_nothing_and_full_agreement(some: list[Effect]) -> None:
    assert 0.0 <= _store(sums(some)).focus <= 1.0


def test_events_that_agree_have_focus_one() -> None:
    assert _store(sums([_effect(EventType.VIEW, "tea", 3), _effect(EventType.PURCHASE, "tea")])).focus == pytest.approx(
        1.0
    )


def test_without_live_events_the_state_is_exactly_empty() -> None:
    bought = _effect(EventType.PURCHASE, "tea", 3)
    state = _store(sums([evolve(bought, sign=-1)], onto=sums_of([_store(sums([bought]))], RECIPE)))

    assert (state.embedding, state.norm, state.weight, state.error, state.as_of) == (None, 0.0, 0.0, 0.0, None)
    assert (state.event_count, state.focus) == (0, 0.0)


def test_events_that_cancel_out_leave_no_embedding_and_norm_zero() -> None:
    state = _store(sums([_effect(EventType.CLICK, "tea")] * 2 + [_effect(EventType.PURCHASE, "tea")]))

    assert (state.embedding, state.norm, state.event_count) == (None, 0.0, 3)
    assert state.weight == pytest.approx(2.0)
    assert state.as_of == NOW


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.023, 1.0]))
def test_the_error_estimate_bounds_the_true_error_over_many_stores(seed: int, rate: float) -> None:
    random, decay = np.random.default_rng(seed), Decay(rate_per_day=rate)
    exact, state = sums([], decay), EMPTY
    for n in range(150):
        subject, age = SUBJECTS[random.integers(len(SUBJECTS))], 60 - n * 0.4
        step = [_effect(EventType.PURCHASE, subject, age)]
        exact = sums(step, decay, onto=exact)
        state = _store(sums(step, decay, onto=sums_of([state], recipe_with(decay))))

    off = distances(sums_of([state], RECIPE), exact, decay)[0]
    assert off <= ROUNDINGS_ALLOWED * state.error
    assert state.error <= np.sqrt(150) * ROUNDING * exact.norms[0] * 1.5


def test_what_is_left_of_many_retractions_is_too_inexact_to_store() -> None:
    many = [_effect(EventType.PURCHASE, SUBJECTS[n % 4], 1) for n in range(400)]
    stored = sums_of([_store(sums([*many, _effect(EventType.VIEW, "tea", 300)]))], RECIPE)

    assert Rounded.of(sums([evolve(effect, sign=-1) for effect in many], onto=stored)).inexact[0]
    assert not Rounded.of(sums(many[:1], onto=stored)).inexact[0]


@pytest.mark.parametrize(("growth", "too_much"), [(MAX_MISSING_GROWTH, False), (MAX_MISSING_GROWTH + 1, True)])
def test_a_state_may_miss_some_more_positions_than_its_last_rebuild_left(growth: int, too_much: bool) -> None:
    state = evolve(EMPTY, applied=AppliedPositions(500, [(1, 10 + growth)]), missing_after_rebuild=10)

    assert state.misses_too_much is too_much


def test_a_state_is_of_a_recipe_only_with_its_id_and_dimensions() -> None:
    state = _store(sums([_effect(EventType.VIEW, "tea")]))

    assert EMPTY.is_of(RECIPE)
    assert state.is_of(RECIPE)
    assert not evolve(state, recipe="another").is_of(RECIPE)
    assert not evolve(state, embedding=np.ones(3, dtype=np.float32)).is_of(RECIPE)


def test_the_distance_of_two_states_is_taken_at_one_time() -> None:
    once = sums([_effect(EventType.PURCHASE, "tea", 30)])
    later = once.at(sums([_effect(EventType.VIEW, "tea")]).as_of_us, RECIPE.decay)

    assert distances(once, later, RECIPE.decay)[0] == pytest.approx(0.0, abs=1e-15)
    assert once.as_of_us[0] < later.as_of_us[0]
    assert _store(once).as_of == days_ago(30)
