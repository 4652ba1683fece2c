"""That a score on parts of the past hears all that a setup says, and knows what was known to be bought then."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from attrs import evolve

from application.setup import Setup, knobs
from application.targets import DISCOVERIES
from application.tune import Tune
from application.validation import Part, Validate, parts
from domain.blend import Blend, Source
from domain.instant import to_microseconds
from domain.interaction import EventType
from domain.ranking import Rankings
from tests.unit.evaluation_side import AT, DIMENSIONS, QUESTION, RECIPE, World

AT_US = to_microseconds(AT)
TYPES = [EventType.PURCHASE, EventType.VIEW]


def _gazing(users: int = 32, groups: int = 4, products: int = 40) -> World:
    """A shop in which each user buys what one group has, and views what nobody buys."""
    draw = np.random.default_rng(7)
    world = World()
    for number in range(products):
        world.vectors[f"window-{number:02}"] = np.eye(DIMENSIONS)[-1]
        for group in range(groups):
            vector = np.eye(DIMENSIONS)[group] + np.append(draw.normal(size=DIMENSIONS - 1) / 4, 0)
            world.vectors[f"p{group}-{number:02}"] = vector / np.linalg.norm(vector)
    for user in range(users):
        for day, number in zip(range(-80, 20, 4), draw.permutation(products), strict=False):
            days = day + float(draw.uniform(0, 4))
            world.did(f"u{user:02}", f"p{user % groups}-{number:02}", days)
            world.did(f"u{user:02}", f"window-{draw.integers(10):02}", days, EventType.VIEW)
    return world


def _setup(view: float = 1.5, *sources: Source) -> Setup:
    """A setup in which a view counts so much, and these sources or all."""
    weights = {source: float(source in sources or not sources) for source in Source}
    return Setup(recipe=evolve(RECIPE, weights={**RECIPE.weights, EventType.VIEW: view}), blend=Blend(weights=weights))


def _parts(world: World) -> list[Part]:
    return parts(world.material(), AT_US, 2)


def _discoveries(world: World) -> list[set[tuple[str, str]]]:
    """Who discovered what, part by part."""
    return [set(_named(part)) for part in _parts(world)]


def _named(part: Part) -> Iterator[tuple[str, str]]:
    events, pairs = part.past.events, part.shelf.targets[DISCOVERIES]
    for user, column in zip(pairs.users, pairs.products, strict=True):
        yield events.user_ids[user], events.product_ids[part.past.candidates[column]]


@pytest.mark.parametrize("source", [Source.EMBEDDING, Source.POPULAR])
def test_views_that_mislead_are_found_to_count_nothing(source: Source) -> None:
    tuning = Tune(_gazing().material(), QUESTION, _setup(1.5, source), [source])(lambda _: None)

    assert tuning.found.recipe.weights[EventType.VIEW] == 0
    assert tuning.found_score > 1.1 * tuning.now_score


@pytest.mark.parametrize("source", list(Source))
def test_what_was_ranked_for_one_setup_gives_no_score_of_another(source: Source) -> None:
    now, some = _setup(1.5, source), _parts(_gazing())
    tried = [setup for knob in knobs(TYPES, [source]) for setup in knob(now)]
    validate = Validate(some, [source])

    scores = [validate(setup) for setup in tried]

    assert scores == [Validate(some, [source])(setup) for setup in tried]
    assert len(set(scores)) > 3


@pytest.mark.parametrize("most", [1, 5])
def test_of_what_was_ranked_only_so_much_is_kept_and_scores_stay(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    some, setups = _parts(_gazing()), [_setup(view) for view in (0.0, 1.5, 0.3, 1.5, 0.0)]
    scores = [Validate(some, list(Source))(setup) for setup in setups]
    monkeypatch.setattr("application.validation.MOST_LISTS", most)
    validate = Validate(some, list(Source))
    before = _rankings_held()

    assert [validate(setup) for setup in setups] == scores

    assert _rankings_held() - before == most


def _rankings_held() -> int:
    gc.collect()
    return sum(isinstance(held, Rankings) for held in gc.get_objects())


def test_a_purchase_that_is_returned_after_the_moment_was_known_as_one_until_then() -> None:
    world = _gazing()
    world.did("somebody", "umbrella", -79)
    world.did("u00", "umbrella", -30, name="kept until later")
    world.vectors["umbrella"] = np.eye(DIMENSIONS)[0]
    before = _discoveries(world)

    world.took_back("u00", "kept until later", 1)

    assert [("u00", "umbrella") in found for found in before] == [True, False, False]
    assert _discoveries(world) == before


@pytest.mark.parametrize(("least", "users"), [(1, 10), (15, 15), (300, 32)])
def test_the_more_products_the_fewer_users_are_drawn_and_never_fewer_than_the_least(
    least: int, users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    [part, *_] = _parts(_gazing())
    monkeypatch.setattr("application.validation.MOST_CELLS", 10 * len(part.past.candidates))
    monkeypatch.setattr("application.validation.LEAST_USERS", least)

    assert len(part.shelf.users) == 32
    assert len(part.sample(seed=1).shelf.users) == users
