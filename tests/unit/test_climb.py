"""That knobs which only count together are all turned, one round after the other."""

import numpy as np

from application.climb import climb
from application.setup import Setup, knobs
from domain.blend import Blend, Source
from domain.interaction import EventType
from tests.unit.evaluation_side import RECIPE


def test_what_one_knob_makes_worth_turning_is_turned_in_the_next_round() -> None:
    def score(setup: Setup) -> float:
        """The last knob counts at once, the middle one if that is right, and the first one if both are."""
        right = [
            setup.blend.weights[Source.POPULAR] == 2,
            setup.blend.popularity.half_life_days > 100,
            setup.recipe.decay.half_life_days < 5,
        ]
        return 1.0 + float(np.cumprod(right).sum())

    climbed = climb(Setup(recipe=RECIPE, blend=Blend()), knobs([EventType.PURCHASE], list(Source)), score)

    assert climbed.score == 4
