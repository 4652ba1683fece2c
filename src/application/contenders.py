"""The rankers that an evaluation holds against each other."""

from collections.abc import Collection, Mapping

import numpy as np

from application.bought_with import bought_with
from application.past import Past
from application.rankers import ALIKE, NO_DECAY, Ranker, bestsellers, chance, decayed_mean, last_item, popular
from domain.blend import Blend, Source
from domain.decay import Decay
from domain.recipe import Recipe

RECENT_DAYS = 14
HALF_LIVES_DAYS = (7, 30, 90)

BESTSELLERS = "bestsellers"
RECENT_BESTSELLERS = f"{BESTSELLERS}, {RECENT_DAYS} days"
UNWEIGHTED = "embedding, unweighted"
BLEND = "blend"
WITHOUT_GRAPH = "blend without graph"


def contenders(past: Past, recipe: Recipe, blend: Blend, seed: int) -> Mapping[str, Ranker]:
    """All single rankers by their names."""
    weights = recipe.weights
    means = {
        f"half-life {days} days": decayed_mean(past, Decay.of_half_life(days), weights) for days in HALF_LIVES_DAYS
    }
    unweighted = {UNWEIGHTED: decayed_mean(past, recipe.decay, ALIKE)} if has_several_types(past) else {}
    return {
        "random": chance(past, seed),
        BESTSELLERS: bestsellers(past),
        RECENT_BESTSELLERS: bestsellers(past, RECENT_DAYS),
        "last item": last_item(past),
        "plain mean": decayed_mean(past, NO_DECAY, ALIKE),
        **means,
        **unweighted,
        f"{Source.BOUGHT_WITH}, no decay": bought_with(past, NO_DECAY),
        **{source.value: served(past, source, recipe, blend) for source in Source},
    }


def served(past: Past, source: Source, recipe: Recipe, blend: Blend) -> Ranker:
    """A source of recommendations, as of the past."""
    match source:
        case Source.EMBEDDING:
            return decayed_mean(past, recipe.decay, recipe.weights)
        case Source.POPULAR:
            return popular(past, blend.popularity, recipe.weights)
        case Source.BOUGHT_WITH:
            return bought_with(past, blend.bought_with)


def blends(blend: Blend, sources: Collection[Source]) -> Mapping[str, Mapping[str, float]]:
    """What is served with the graph and without: the weights of the single rankers in each; that of `sources` is last.

    Without the graph there may be none.
    """
    weights = {source.value: weight for source, weight in blend.weights.items() if weight > 0}
    without = {name: weight for name, weight in weights.items() if name != Source.BOUGHT_WITH}
    if not without:
        return {BLEND: weights}
    both = {WITHOUT_GRAPH: without, BLEND: weights}
    return both if Source.BOUGHT_WITH in sources else {BLEND: weights, WITHOUT_GRAPH: without}


def has_several_types(past: Past) -> bool:
    """Whether there are events of more than one type, so that their weights matter."""
    return len(np.unique(past.events.types)) > 1
