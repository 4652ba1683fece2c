"""Intervals by the bootstrap over users (Efron, Tibshirani 1993): what other such users would have given."""

import numpy as np
from attrs import frozen

from domain.decayed_sums import Floats, Integers

INTERVAL = (2.5, 97.5)
"""The percentiles of a 95% interval."""


@frozen(kw_only=True)
class Estimate:
    """A mean over users, and its 95% interval."""

    value: float
    low: float
    high: float

    def overlaps(self, other: "Estimate") -> bool:
        """Whether both intervals have a number in common."""
        return self.low <= other.high and other.low <= self.high


def estimates(values: Floats, resamples: Integers) -> list[Estimate]:
    """The mean of each column and its interval.

    The same resamples for all columns make differences of columns paired.

    Parameters
    ----------
    values : ndarray of shape (n, c), float64: c numbers of each of n users.
    resamples : ndarray of shape (r, n), int64: how often each user is drawn; each row has the sum n.
    """
    means = resamples @ values / len(values)
    low, high = np.percentile(means, INTERVAL, axis=0)
    return [
        Estimate(value=value, low=bottom, high=top)
        for value, bottom, top in zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    ]
