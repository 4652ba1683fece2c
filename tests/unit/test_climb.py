"""That knobs are turned to what is best together, and none that makes no difference."""

import numpy as np
import pytest
from attrs import evolve

from application.climb import LEAST_GAIN, climb
from application.setup import HALF_LIVES_DAYS, Setup, knobs
from domain.blend import Blend, Source
from domain.interaction import EventType
from tests.unit.evaluation_side import RECIPE

NOW = Setup(recipe=RECIPE, blend=Blend())
WITHOUT_GRAPH = (Source.EMBEDDING, Source.POPULAR)


def test_with_one_type_of_events_no_weights_are_tried_and_without_a_graph_none_of_it() -> None:
    tried = [setup for knob in knobs([EventType.PURCHASE], WITHOUT_GRAPH) for setup in knob(NOW)]

    assert {tuple(setup.recipe.weights.items()) for setup in tried} == {tuple(NOW.recipe.weights.items())}
    assert {setup.blend.bought_with for setup in tried} == {NOW.blend.bought_with}
    assert {setup.blend.weights[Source.BOUGHT_WITH] for setup in tried} == {1.0}

    more = [setup for knob in knobs(list(EventType), list(Source)) for setup in knob(NOW)]
    for event_type in EventType:
        weights = {setup.recipe.weights[event_type] for setup in more}
        assert len(weights) == 1 if event_type is EventType.PURCHASE else len(weights) > 5
    assert {setup.blend.bought_with.half_life_days for setup in more} >= set(HALF_LIVES_DAYS)


def test_a_blend_of_nothing_is_not_tried() -> None:
    weights = {Source.EMBEDDING: 1.0, Source.POPULAR: 0.0, Source.BOUGHT_WITH: 1.0}
    for knob in knobs([EventType.PURCHASE], WITHOUT_GRAPH):
        for setup in knob(evolve(NOW, blend=Blend(weights=weights))):
            assert any(setup.blend.weights[source] for source in WITHOUT_GRAPH)


def test_a_recipe_in_which_nothing_counts_is_not_tried() -> None:
    weights = {**dict.fromkeys(EventType, 0.0), EventType.VIEW: 1.0}
    only_views = evolve(NOW, recipe=evolve(RECIPE, weights=weights))

    tried = [setup for knob in knobs([EventType.VIEW], WITHOUT_GRAPH) for setup in knob(only_views)]

    assert 0.0 not in {setup.recipe.weights[EventType.VIEW] for setup in tried}


def test_climbing_finds_the_best_of_each_knob_and_scores_nothing_twice() -> None:
    scored = []

    def score(setup: Setup) -> float:
        scored.append(setup.key)
        days = min(setup.recipe.decay.half_life_days, 1e4)
        return 10 - abs(np.log(days / 60)) - abs(setup.blend.weights[Source.POPULAR] - 2)

    climbed = climb(NOW, knobs([EventType.PURCHASE], WITHOUT_GRAPH), score)

    assert climbed.setup.recipe.decay.half_life_days == pytest.approx(60)
    assert climbed.setup.blend.weights[Source.POPULAR] == 2
    assert climbed.score > climbed.start_score
    assert climbed.tried == len(scored) == len(set(scored))


def test_a_gain_that_is_noise_moves_nothing() -> None:
    climbed = climb(NOW, knobs([EventType.PURCHASE], WITHOUT_GRAPH), lambda s: 1 if s is NOW else 1 + LEAST_GAIN / 2)

    assert climbed.setup is NOW


def test_what_one_knob_makes_worth_turning_is_turned_in_the_next_round() -> None:
    def score(setup: Setup) -> float:
        """The last knob counts at once, the middle one if that is right, and the first one if both are."""
        right = [
            setup.blend.weights[Source.POPULAR] == 2,
            setup.blend.popularity.half_life_days > 100,
            setup.recipe.decay.half_life_days < 5,
        ]
        return 1.0 + float(np.cumprod(right).sum())

    climbed = climb(NOW, knobs([EventType.PURCHASE], list(Source)), score)

    assert climbed.score == 4
