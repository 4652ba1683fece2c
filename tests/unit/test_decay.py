import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decay import Decay
from domain.instant import MICROSECONDS_PER_DAY, NEVER_US
from tests.unit.strategies import decays

elapsed = st.integers(0, 200 * 365 * MICROSECONDS_PER_DAY)


def _factor(decay: Decay, elapsed_us: int) -> float:
    return float(decay.factors(np.array([elapsed_us]))[0])


@given(decays, elapsed, elapsed)
def test_decay_composes(decay: Decay, first: int, second: int) -> None:
    both = _factor(decay, first + second)

    assert math.isclose(both, _factor(decay, first) * _factor(decay, second), rel_tol=1e-9, abs_tol=1e-300)


@given(decays, elapsed)
def test_what_is_left_is_between_nothing_and_all(decay: Decay, elapsed_us: int) -> None:
    assert 0.0 <= _factor(decay, elapsed_us) <= 1.0


def test_nothing_is_lost_in_no_time() -> None:
    assert _factor(Decay(rate_per_day=0.023), 0) == 1.0


def test_half_is_left_after_the_half_life() -> None:
    decay = Decay(rate_per_day=0.023)

    assert decay.half_life_days == pytest.approx(30.14, abs=0.01)
    assert _factor(decay, round(decay.half_life_days * MICROSECONDS_PER_DAY)) == pytest.approx(0.5)


def test_without_decay_everything_stays() -> None:
    decay = Decay(rate_per_day=0)

    assert decay.half_life_days == math.inf
    assert _factor(decay, 10_000 * MICROSECONDS_PER_DAY) == 1.0


def test_what_never_was_has_decayed_to_exactly_zero() -> None:
    assert _factor(Decay(rate_per_day=0.001), -NEVER_US) == 0.0


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf, -math.inf])
def test_a_rate_is_a_finite_number_of_at_least_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="rate_per_day"):
        Decay(rate_per_day=rate)
