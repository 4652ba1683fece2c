"""What events count now: the weight of their type, decayed."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from domain.decayed_sums import Floats
from domain.instant import to_microseconds
from domain.interaction import Interaction
from domain.recipe import Recipe


def current_weights(events: Sequence[Interaction], recipe: Recipe, now: datetime) -> Floats:
    """ndarray of shape (len(events),), float64. What lies ahead of `now` counts as what happens now."""
    now_us = to_microseconds(now)
    ages = np.array([max(0, now_us - to_microseconds(event.occurred_at)) for event in events], dtype=np.int64)
    weights = np.array([recipe.weights[event.event_type] for event in events], dtype=np.float64)
    return np.asarray(recipe.decay.factors(ages) * weights)
