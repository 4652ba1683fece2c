"""Intervals by drawing users again."""

import numpy as np
import pytest

from domain.bootstrap import Estimate, estimates


def _resamples(users: int, count: int = 2_000) -> np.ndarray:
    return np.random.default_rng(1).multinomial(users, np.full(users, 1 / users), count)


def test_the_interval_is_that_of_the_normal_law_where_there_are_many_users() -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, (1_000, 1))

    (estimate,) = estimates(values, _resamples(1_000))

    reach = 1.96 * values.std() / np.sqrt(1_000)
    assert estimate.value == pytest.approx(values.mean())
    assert (estimate.low, estimate.high) == pytest.approx((estimate.value - reach, estimate.value + reach), abs=0.02)


def test_users_who_are_all_alike_leave_no_doubt() -> None:
    assert estimates(np.full((50, 2), 0.25), _resamples(50)) == [Estimate(value=0.25, low=0.25, high=0.25)] * 2


def test_a_difference_that_every_user_shows_is_certain_however_different_the_users_are() -> None:
    values = np.random.default_rng(3).random((40, 1))

    one, other, difference = estimates(np.hstack((values, values + 0.01, np.full((40, 1), 0.01))), _resamples(40))

    assert one.overlaps(other)
    assert (difference.low, difference.high) == pytest.approx((0.01, 0.01))


def test_intervals_overlap_that_have_a_number_in_common() -> None:
    middle = Estimate(value=0.5, low=0.4, high=0.6)

    assert middle.overlaps(Estimate(value=0.7, low=0.6, high=0.8))
    assert not middle.overlaps(Estimate(value=0.7, low=0.61, high=0.8))
    assert not middle.overlaps(Estimate(value=0.2, low=0.1, high=0.39))
