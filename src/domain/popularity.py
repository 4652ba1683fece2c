"""Popularity: what everybody has had to do with lately, each interaction fading by the day."""

from datetime import timedelta

import numpy as np

from domain.decay import Decay
from domain.decayed_sums import Floats, Integers
from domain.instant import MICROSECONDS_PER_DAY

HALF_LIVES = 8
"""What is older counts less than half a percent."""
ENOUGH = 200
"""So many products make a ranking. Where the last HALF_LIVES know of fewer, everything that ever happened counts."""


def window(decay: Decay) -> timedelta:
    """So far back popularity looks. Without decay that is further than any shop is old."""
    return timedelta(days=min(HALF_LIVES * decay.half_life_days, 100 * 365))


def fading_popularity(products: Integers, weights: Floats, ages_days: Integers, decay: Decay, width: int) -> Floats:
    """The sum of weight * what is left after its age over the interactions of each product.

    Parameters
    ----------
    products, weights, ages_days : ndarray of shape (n,): the product of each interaction, below `width`; what it
        counts; how many days it is old, at least 0.

    Returns
    -------
    ndarray of shape (width,), float64; -inf of a product that nothing speaks for, or more against than for.
    """
    left = weights * decay.factors(ages_days * MICROSECONDS_PER_DAY)
    scores = np.bincount(products, left, minlength=width)
    spoken_for = np.bincount(products[weights > 0], minlength=width) > 0
    return np.where(spoken_for & (scores >= 0), scores, -np.inf)
