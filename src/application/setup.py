"""What recommendations are made with, and what of it may be turned."""

from collections.abc import Callable, Collection, Hashable, Iterator

import numpy as np
from attrs import evolve, frozen

from domain.blend import Blend, Source
from domain.decay import Decay
from domain.interaction import EventType
from domain.recipe import Recipe

HALF_LIVES_DAYS = (3.0, 7.0, 14.0, 30.0, 60.0, 120.0, np.inf)
EVENT_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
"""Of a type of events, where a purchase weighs what it does now."""
SOURCE_WEIGHTS = (0.0, 0.5, 1.0, 2.0)


@frozen(kw_only=True)
class Setup:
    """The recipe and the blend."""

    recipe: Recipe
    blend: Blend

    @property
    def key(self) -> Hashable:
        """What is equal of equal setups."""
        return self.recipe.id, *self.blend.weights.items(), self.blend.popularity, self.blend.bought_with


Knob = Callable[[Setup], Iterator[Setup]]
"""Gives a setup with each value that one part of it may have."""


def knobs(types: Collection[EventType], sources: Collection[Source]) -> list[Knob]:
    """All that makes a difference where there are events of these types and these sources."""
    weights = [_event_weight(one) for one in EventType if one in types and one is not EventType.PURCHASE]
    fading = [_popularity] if Source.POPULAR in sources else []
    fading += [_bought_with] if Source.BOUGHT_WITH in sources else []
    return [_half_life, *weights, *fading, *(_source_weight(source, sources) for source in sources)]


def _half_life(setup: Setup) -> Iterator[Setup]:
    for days in HALF_LIVES_DAYS:
        yield evolve(setup, recipe=evolve(setup.recipe, decay=Decay.of_half_life(days)))


def _popularity(setup: Setup) -> Iterator[Setup]:
    for days in HALF_LIVES_DAYS:
        yield evolve(setup, blend=evolve(setup.blend, popularity=Decay.of_half_life(days)))


def _bought_with(setup: Setup) -> Iterator[Setup]:
    for days in HALF_LIVES_DAYS:
        yield evolve(setup, blend=evolve(setup.blend, bought_with=Decay.of_half_life(days)))


def _event_weight(event_type: EventType) -> Knob:
    def turn(setup: Setup) -> Iterator[Setup]:
        for weight in EVENT_WEIGHTS:
            weights = {**setup.recipe.weights, event_type: weight}
            if any(weights.values()):
                yield evolve(setup, recipe=evolve(setup.recipe, weights=weights))

    return turn


def _source_weight(turned: Source, sources: Collection[Source]) -> Knob:
    def turn(setup: Setup) -> Iterator[Setup]:
        for weight in SOURCE_WEIGHTS:
            weights = {**setup.blend.weights, turned: weight}
            if any(weights[source] for source in sources):
                yield evolve(setup, blend=evolve(setup.blend, weights=weights))

    return turn
