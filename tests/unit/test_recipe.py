import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from domain.decay import Decay
from domain.errors import InvalidValueError
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe

recipes = st.builds(
    Recipe,
    decay=st.floats(0, 1e6).map(lambda rate: Decay(rate_per_day=rate)),
    weights=st.fixed_dictionaries({event_type: st.floats(-1e6, 1e6) for event_type in EventType}).filter(
        lambda weights: any(weights.values())
    ),
    model=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    dimensions=st.integers(1, 65_536),
)
RECIPE = Recipe(model="a-model", dimensions=256)


@given(recipes)
def test_a_recipe_comes_back_from_its_json(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.as_json()) == recipe
    assert Recipe.from_json(recipe.as_json()).id == recipe.id


@pytest.mark.parametrize(
    "changed",
    [
        evolve(RECIPE, decay=Decay(rate_per_day=0.024)),
        *(evolve(RECIPE, weights={**DEFAULT_WEIGHTS, event_type: 0.9}) for event_type in EventType),
        evolve(RECIPE, weights={**DEFAULT_WEIGHTS, EventType.VIEW: -DEFAULT_WEIGHTS[EventType.VIEW]}),
        evolve(RECIPE, model="another-model"),
        evolve(RECIPE, dimensions=255),
    ],
    ids=["decay", *EventType, "sign", "model", "dimensions"],
)
def test_the_id_differs_with_any_part(changed: Recipe) -> None:
    assert changed.id != RECIPE.id


def test_equal_recipes_have_one_id_however_they_are_written() -> None:
    written = evolve(
        RECIPE,
        decay=Decay(rate_per_day=1),
        weights={EventType.VIEW: 0.0, EventType.CLICK: 1.0, EventType.SEARCH: 1.0, EventType.PURCHASE: 1.0},
    )
    read = Recipe.from_json(written.as_json().replace(": 1.0", ": 1"))

    assert read == written
    assert read.id == written.id
    assert evolve(written, weights=dict(reversed(list(written.weights.items())))).id == written.id


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {EventType.VIEW: 1.0},
        {**DEFAULT_WEIGHTS, EventType.VIEW: math.nan},
        {**DEFAULT_WEIGHTS, EventType.VIEW: math.inf},
    ],
    ids=["none", "one", "nan", "infinite"],
)
def test_each_type_needs_a_finite_weight(weights: dict[EventType, float]) -> None:
    with pytest.raises(InvalidValueError, match="^weights .*; give one for each of search, view, click, purchase"):
        evolve(RECIPE, weights=weights)


def test_something_has_to_count() -> None:
    with pytest.raises(InvalidValueError, match="^weights are all 0"):
        evolve(RECIPE, weights=dict.fromkeys(EventType, 0.0))


@pytest.mark.parametrize(("field", "value"), [("model", ""), ("dimensions", 0), ("dimensions", 65_537)])
def test_model_and_dimensions_are_checked(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        evolve(RECIPE, **{field: value})
