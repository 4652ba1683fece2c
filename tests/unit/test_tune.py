"""That tuning finds what is there to be found, is tested on what it never saw, and says when nothing is."""

from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve

from application.contenders import BESTSELLERS, served
from application.contest import hold
from application.evaluate import Question
from application.past import Past
from application.setup import Setup
from application.targets import DISCOVERIES, new_products
from application.tune import Tune, popularities
from application.tuning import FOUND, NOW, POPULARITY, Tuning, Verdict
from application.validation import Validate, parts
from domain.blend import Blend, Source
from domain.bootstrap import Estimate
from domain.decay import Decay
from domain.errors import InvalidValueError
from domain.instant import to_microseconds
from domain.interaction import EventType
from domain.recipe import Recipe
from tests.unit.evaluation_side import AT, DIMENSIONS, QUESTION, World

ONLY_EMBEDDING = Blend(weights={Source.EMBEDDING: 1.0, Source.POPULAR: 0.0, Source.BOUGHT_WITH: 0.0})
WITHOUT_GRAPH = (Source.EMBEDDING, Source.POPULAR)
DAYS = 100
AT_US = to_microseconds(AT)


def _setup(half_life_days: float, blend: Blend = ONLY_EMBEDDING) -> Setup:
    recipe = Recipe(model="by hand", dimensions=DIMENSIONS, decay=Decay.of_half_life(half_life_days))
    return Setup(recipe=recipe, blend=blend)


def _fashions(users: int = 60, groups: int = 8, products: int = 30, seed: int = 3) -> World:
    """A shop in which every user moves on to another group of products every 20 days, and buys one a day."""
    draw = np.random.default_rng(seed)
    world = World()
    for group in range(groups):
        for number in range(products):
            world.vectors[f"p{group}-{number:02}"] = np.eye(DIMENSIONS)[group]
    for user in range(users):
        order = draw.permutation(groups)
        for day in range(DAYS):
            group, number = order[(day + 10) // 20], draw.integers(products)
            world.did(f"u{user:03}", f"p{group}-{number:02}", day - 0.8 * DAYS + draw.random())
    return world


def _crowd(users: int = 60, products: int = 40) -> World:
    """A shop in which everybody buys the same in the same order, whatever it is like."""
    draw = np.random.default_rng(5)
    world = World()
    for number in range(products):
        vector = draw.normal(size=DIMENSIONS)
        world.vectors[f"p{number:02}"] = vector / np.linalg.norm(vector)
    for user in range(users):
        for number in range(products):
            world.did(f"u{user:03}", f"p{number:02}", number * DAYS / products - 0.8 * DAYS + draw.random() * 20)
    return world


def _hypes(users: int = 40, products: int = 8) -> World:
    """A shop in which all products are new every 5 days, and each user buys some of them."""
    draw = np.random.default_rng(2)
    world = World()
    for hype in range(DAYS // 5):
        for number in range(products):
            world.vectors[f"p{hype:02}-{number}"] = np.eye(DIMENSIONS)[draw.integers(DIMENSIONS)]
        for user in range(users):
            for number in draw.permutation(products)[: products // 2]:
                world.did(f"u{user:02}", f"p{hype:02}-{number}", 5 * hype - 0.8 * DAYS + 7 * draw.random())
    return world


def _tune(world: World, now: Setup, question: Question = QUESTION) -> Tuning:
    return Tune(world.material(), question, now, WITHOUT_GRAPH)(lambda _: None)


def test_a_shorter_half_life_is_found_where_tastes_change() -> None:
    tuning = _tune(_fashions(), _setup(np.inf))

    assert tuning.found.recipe.decay.half_life_days <= 7
    assert tuning.verdict is Verdict.CHANGE
    assert tuning.found_score > tuning.now_score
    tested = tuning.targets[0]
    assert (tested.name, set(tested.metrics)) == (DISCOVERIES, {POPULARITY, NOW, FOUND})
    assert tested.over_now["MRR"].low > 0


def test_what_is_right_is_kept() -> None:
    found = _tune(_fashions(), _setup(np.inf)).found

    tuning = _tune(_fashions(seed=4), found)

    assert tuning.verdict is Verdict.KEEP


def test_where_all_want_the_same_nothing_beats_popularity() -> None:
    assert _tune(_crowd(), _setup(30, Blend())).verdict is Verdict.POPULARITY


def test_nothing_of_the_test_part_decides_what_is_found() -> None:
    world = _fashions()
    before = _tune(world, _setup(np.inf))

    draw = np.random.default_rng(9)
    for number in range(2_000):
        world.did(f"u{number % 60:03}", f"p0-{draw.integers(30):02}", 1 + draw.random())
    after = _tune(world, _setup(np.inf))

    assert (after.found.key, after.found_score, after.now_score) == (
        before.found.key,
        before.found_score,
        before.now_score,
    )
    assert after.targets[0].metrics != before.targets[0].metrics


def test_no_validation_part_looks_beyond_its_end() -> None:
    material = _fashions().material()
    events = material.events

    some = parts(material, AT_US, 2)

    moments = [part.past.at_us for part in some]
    assert len(moments) == 3
    for part, end_us in zip(some, [*moments[1:], AT_US], strict=True):
        assert part.past.events.times_us[-1] < part.past.at_us < end_us
        between = events.where((events.times_us >= part.past.at_us) & (events.times_us < end_us))
        expected = part.past.pairs(between).without(part.past.bought)
        discovered = part.shelf.targets[DISCOVERIES]
        assert discovered.users.tolist() == expected.users.tolist()
        assert discovered.products.tolist() == expected.products.tolist()


def test_what_was_taken_back_between_a_part_and_the_moment_was_not_known_to_be() -> None:
    world = _fashions()
    world.did("u000", "p0-00", -75, name="returned")
    world.took_back("u000", "returned", -0.5)

    material = world.material()
    for part in parts(material, AT_US, 2):
        assert len(part.past.events) == np.count_nonzero(material.events.times_us < part.past.at_us)


def test_a_score_is_the_mrr_that_an_evaluation_finds_on_the_same_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.contest.CELLS_AT_ONCE", 4_000)
    material, setup = _fashions().material(), _setup(7, Blend())
    [*_, last] = parts(material, AT_US, 2)
    rankers = {source: served(last.past, source, setup.recipe, setup.blend) for source in WITHOUT_GRAPH}
    blends = {"blend": dict.fromkeys(WITHOUT_GRAPH, 1.0)}
    tallies = hold(last.past, last.shelf, rankers, blends, (3,), lambda _: None)[DISCOVERIES]

    score = Validate([last], WITHOUT_GRAPH)

    assert score(setup) == pytest.approx(tallies["blend"].metrics["MRR"].mean())
    alone = score.of_ranker(lambda past: served(past, Source.POPULAR, setup.recipe, setup.blend))
    assert alone == pytest.approx(tallies[Source.POPULAR].metrics["MRR"].mean())


def test_popularity_is_the_best_of_its_kind() -> None:
    tuning = _tune(_fashions(), _setup(30, Blend()))

    validate = Validate(parts(_fashions().material(), AT_US, 2), WITHOUT_GRAPH)
    scores = {name: validate.of_ranker(make) for name, make in popularities(_setup(30)).items()}
    assert len(set(scores.values())) > 3
    assert scores[tuning.popularity] == max(scores.values())


def test_where_hypes_follow_each_other_popularity_is_that_of_the_last_days() -> None:
    world = _hypes()

    tuning = _tune(world, _setup(30, Blend()))

    material = world.material()
    past = Past.of(material.events, material.vectors, AT_US)
    shelf = new_products(past, material.events.since(AT_US), QUESTION.min_events)
    rankers = {name: make(past) for name, make in popularities(tuning.now).items()}
    tallies = hold(past, shelf, rankers, {}, (3,), lambda _: None)[DISCOVERIES]
    mrr = {name: tally.metrics["MRR"].mean() for name, tally in tallies.items()}
    assert tuning.popularity != BESTSELLERS
    assert tuning.targets[0].metrics[POPULARITY]["MRR"].value == pytest.approx(mrr[tuning.popularity])
    assert mrr[tuning.popularity] > 2 * mrr[BESTSELLERS]


def test_gains_are_differences_of_what_was_tested() -> None:
    tested = _tune(_fashions(), _setup(np.inf)).targets[0]

    popularity, now, found = (tested.metrics[name]["MRR"].value for name in (POPULARITY, NOW, FOUND))
    assert len({popularity, now, found}) == 3
    assert tested.over_now["MRR"].value == pytest.approx(found - now)
    assert tested.over_popularity["MRR"].value == pytest.approx(found - popularity)
    assert tested.now_over_popularity["MRR"].value == pytest.approx(now - popularity)


def test_many_users_are_drawn_by_lot_after_it_was_seen_that_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.validation.MOST_USERS", 15)
    monkeypatch.setattr("application.evaluate.MOST_USERS", 15)

    tuning = _tune(_fashions(), _setup(np.inf))

    assert tuning.users == 15
    assert "Of 60 users, 15 are looked at, drawn by lot." in tuning.notes


def test_a_validation_part_before_anything_could_be_recommended_is_told() -> None:
    world = _fashions()
    for number in range(40_000):
        world.did(f"u{number % 60:03}", "a phrase", -150 + number / 1_000, EventType.SEARCH)

    with pytest.raises(InvalidValueError, match="have no event before .*, where validation begins"):
        _tune(world, _setup(30))


@pytest.mark.parametrize(
    ("over_now", "over_popularity", "now_over_popularity", "verdict"),
    [
        (0.01, 0.02, 0.01, Verdict.CHANGE),
        (0.01, 0.02, -0.01, Verdict.CHANGE),
        (0.01, -0.02, -0.03, Verdict.POPULARITY),
        (0.01, -0.02, 0.01, Verdict.CHANGE),
        (-0.01, 0.02, -0.01, Verdict.CHANGE),
        (-0.01, 0.02, 0.03, Verdict.KEEP),
        (-0.03, -0.01, 0.02, Verdict.KEEP),
        (-0.01, -0.02, -0.01, Verdict.POPULARITY),
    ],
)
def test_the_verdict_follows_from_the_intervals(
    over_now: float, over_popularity: float, now_over_popularity: float, verdict: Verdict
) -> None:
    tuning = _tune(_fashions(), _setup(np.inf))

    def estimates(low: float) -> dict[str, Estimate]:
        return {"MRR": Estimate(value=low + 0.1, low=low, high=low + 0.2)}

    target = evolve(
        tuning.targets[0],
        over_now=estimates(over_now),
        over_popularity=estimates(over_popularity),
        now_over_popularity=estimates(now_over_popularity),
    )
    assert evolve(tuning, targets=(target,)).verdict is verdict
    unchanged = Verdict.KEEP if now_over_popularity > 0 else Verdict.POPULARITY
    assert evolve(tuning, targets=(target,), found=tuning.now).verdict is unchanged


def test_too_few_users_on_a_validation_part_are_told() -> None:
    world = _fashions(users=30)
    lately = AT - timedelta(days=5)
    world.events = [event for event in world.events if event.user_id < "u010" or event.occurred_at > lately]

    with pytest.raises(InvalidValueError, match=r"validation part 1 of 3.*lower --min-events"):
        _tune(world, _setup(30), evolve(QUESTION, min_events=2))


def test_too_few_users_after_the_moment_are_told() -> None:
    with pytest.raises(InvalidValueError, match="are too few: 9 with at least 2 events"):
        _tune(_fashions(users=9), _setup(30))


def test_no_events_are_told() -> None:
    with pytest.raises(InvalidValueError, match="there is not a single one"):
        _tune(World(), _setup(30))
