"""The rankers that an evaluation holds against each other."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from application.co_purchases import co_purchases
from application.past import Past
from application.rankers import ALIKE, NO_DECAY, Ranker, chance, decayed_mean, last_item, popularity
from domain.decay import Decay
from domain.recipe import Recipe

RECENT_DAYS = 14
HALF_LIVES_DAYS = (7, 30, 90)

POPULARITY = "popularity"
RECENT = f"popularity, {RECENT_DAYS} days"
RECIPE = "recipe"
UNWEIGHTED = "recipe, all events alike"
GRAPH = "graph"
RECENT_GRAPH = "graph, recent purchases"
BLEND = "blend"

RECENT_GRAPH_DECAY = Decay(rate_per_day=math.log(2) / 14)
RECENT_GRAPH_DAMPING = 0.4
BLEND_WEIGHTS: Mapping[str, float] = MappingProxyType({RECIPE: 1.0, RECENT: 1.0, RECENT_GRAPH: 1.0})
"""The sources of the blend. docs/evaluation.md says how all of these numbers were chosen."""


def contenders(past: Past, recipe: Recipe, seed: int) -> Mapping[str, Ranker]:
    """All single rankers by their names."""
    weights = recipe.weights
    means = {
        f"half-life {days} days": decayed_mean(past, Decay(rate_per_day=math.log(2) / days), weights)
        for days in HALF_LIVES_DAYS
    }
    unweighted = {UNWEIGHTED: decayed_mean(past, recipe.decay, ALIKE)} if has_several_types(past) else {}
    return {
        "random": chance(past, seed),
        POPULARITY: popularity(past),
        RECENT: popularity(past, RECENT_DAYS),
        "last item": last_item(past),
        "plain mean": decayed_mean(past, NO_DECAY, ALIKE),
        **means,
        RECIPE: decayed_mean(past, recipe.decay, weights),
        **unweighted,
        GRAPH: co_purchases(past),
        RECENT_GRAPH: co_purchases(past, RECENT_GRAPH_DECAY, RECENT_GRAPH_DAMPING),
    }


def has_several_types(past: Past) -> bool:
    """Whether there are events of more than one type, so that their weights matter."""
    return len(np.unique(past.events.types)) > 1
