"""That an evaluation knows nothing of the future, and finds what there is to be found."""

from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve

from application.contenders import BLEND, UNWEIGHTED, WITHOUT_GRAPH, contenders
from application.evaluate import Question
from application.past import Past
from application.targets import DISCOVERIES, FIRST_DISCOVERY, REPEATS, bought_again, new_products
from domain.blend import Blend, Source
from domain.instant import to_microseconds
from domain.interaction import EventType, Interaction
from tests.unit.evaluation_side import AT, QUESTION, RECIPE, World, ask, target_of, tastes, value_of

AT_US = to_microseconds(AT)
GRAPH = ("bought_with, no decay", Source.BOUGHT_WITH)
PERSONAL = ("half-life 7 days", "half-life 90 days", "plain mean", "last item", Source.EMBEDDING, *GRAPH)


def _past(world: World) -> Past:
    material = world.material()
    return Past.of(material.events, material.vectors, AT_US)


def _scores_by_name(world: World) -> dict[tuple[str, str, str], float]:
    """The score that each ranker but chance gives each candidate for each user of the past."""
    past = _past(world)
    users = np.unique(past.events.users)
    products = [past.events.product_ids[product] for product in past.candidates]
    return {
        (name, past.events.user_ids[user], product): float(score)
        for name, ranker in contenders(past, RECIPE, Blend(), seed=1).items()
        if name != "random"
        for user, row in zip(users, ranker(users), strict=True)
        for product, score in zip(products, row, strict=True)
    }


def test_a_perfect_signal_scores_top() -> None:
    scores = target_of(ask(tastes().material()), DISCOVERIES)

    for ranker in PERSONAL:
        assert value_of(scores, ranker, "hit rate@10") == 1.0, ranker
        assert value_of(scores, ranker, "recall@10") == 1.0, ranker
    assert value_of(scores, "random", "hit rate@10") < 0.3


def test_a_product_that_is_planted_at_the_second_place_gives_one_half() -> None:
    world = World()
    for name, near in (("liked", 1.0), ("nearest", 0.9), ("next", 0.8), ("far", 0.1)):
        world.vectors[name] = np.array([near, np.sqrt(1 - near**2)] + [0.0] * 14)
        world.did("somebody", name, -1)
    for number in range(25):
        world.did(f"u{number}", "liked", -5)
        world.did(f"u{number}", "next", 1)

    scores = target_of(ask(world.material(), evolve(QUESTION, min_events=1)), DISCOVERIES)

    for ranker in ("last item", "plain mean", "half-life 7 days", Source.EMBEDDING):
        assert (value_of(scores, ranker), value_of(scores, ranker, "hit rate@3")) == (0.5, 1.0)


def test_futures_that_are_drawn_by_lot_score_as_chance_does() -> None:
    world = tastes(users=800)
    draw = np.random.default_rng(3)
    products = sorted(world.vectors)
    world.events = [
        evolve(event, product_id=products[draw.integers(len(products))])
        if isinstance(event, Interaction) and event.occurred_at > AT
        else event
        for event in world.events
    ]

    scores = target_of(ask(world.material()), DISCOVERIES)

    unbought = len(products) - 6
    by_lot = sum(1 / place for place in range(1, unbought + 1)) / unbought
    for score in scores.rankers:
        is_short = score.name in GRAPH  # a list of few products finds less than all in any order
        expected = pytest.approx(by_lot, rel=0.3)
        assert score.metrics["MRR"].value < 1.3 * by_lot if is_short else score.metrics["MRR"].value == expected, score


def test_nothing_that_comes_later_changes_a_score() -> None:
    world = tastes()
    world.did("u000", "p0-00", -2, name="kept until later")
    before = _scores_by_name(world)

    world.took_back("u000", "kept until later", 1)
    for number in range(30):
        world.did(f"a newcomer {number}", "a novelty", number)
        world.did("u000", "p7-00", number, EventType.VIEW)
        world.did("u001", "a new phrase", number, EventType.SEARCH)
    world.did("u002", "p7-00", 0)
    world.vectors |= {"a novelty": np.ones(16) / 4, "a new phrase": np.ones(16) / 4}

    assert _scores_by_name(world) == before


def test_what_was_taken_back_before_the_moment_is_as_if_it_had_never_been() -> None:
    world = tastes()
    before = _scores_by_name(world)

    world.did("u000", "p7-03", -3, name="returned")
    world.took_back("u000", "returned", -1)

    assert _scores_by_name(world) == before


def test_a_product_first_seen_after_the_moment_is_never_recommended() -> None:
    world = tastes()
    world.vectors["a novelty"] = world.vectors["p0-00"]
    for user in range(80):
        world.did(f"u{user:03}", "a novelty", 0.5)

    past, evaluation = _past(world), ask(world.material())

    assert "a novelty" not in {past.events.product_ids[product] for product in past.candidates}
    assert target_of(evaluation, DISCOVERIES).relevant == 80
    assert any(note.startswith("80 purchases after the moment are of products first seen") for note in evaluation.notes)


def test_the_same_question_has_the_same_answer_to_the_last_digit() -> None:
    world = tastes()
    shuffled = np.random.default_rng(8).permutation(len(world.events)).tolist()

    assert ask(world.material()) == ask(world.material())
    assert ask(world.material(shuffled)) == ask(world.material())
    assert ask(world.material(), evolve(QUESTION, seed=2)) != ask(world.material())


def test_a_purchase_that_is_taken_back_is_no_discovery() -> None:
    world = tastes()
    world.did("u000", "p1-00", 3, name="returned")
    world.took_back("u000", "returned", 9)
    past = _past(world)

    shelf = new_products(past, world.material().events.since(AT_US), 2)

    assert len(shelf.targets[DISCOVERIES]) == 80


def test_discoveries_and_repeats_are_counted_apart() -> None:
    world = World(vectors=dict.fromkeys("abcde", np.eye(16)[0]))
    for product, days in (("a", -9), ("b", -8), ("c", -7), ("b", 1), ("a", 2), ("d", 3), ("c", 4), ("e", 5)):
        world.did("ann", product, days)
    for product in ("d", "e"):
        world.did("bob", product, -1)
    past, future = _past(world), world.material().events.since(AT_US)

    new, again = new_products(past, future, 2), bought_again(past, future, 2)

    names = [past.events.product_ids[product] for product in past.candidates]
    assert [names[p] for p in new.targets[DISCOVERIES].products] == ["d", "e"]
    assert [names[p] for p in new.targets[FIRST_DISCOVERY].products] == ["d"]
    assert [names[p] for p in again.targets[REPEATS].products] == ["a", "b", "c"]
    assert new.allowed(past, new.users).tolist() == [[False, False, False, True, True]]
    assert again.allowed(past, again.users).tolist() == [[True, True, True, False, False]]


def test_of_products_bought_at_once_the_one_recorded_first_is_the_first() -> None:
    world = World()
    for product in ("z", "a", "y"):
        world.did("bob", product, -1)
    world.did("ann", "y", -1)
    for product in ("z", "a"):
        world.did("ann", product, 1)
    past = _past(world)

    first = new_products(past, world.material().events.since(AT_US), 1).targets[FIRST_DISCOVERY]

    assert [past.events.product_ids[past.candidates[product]] for product in first.products] == ["z"]


def test_users_with_fewer_events_are_left_out() -> None:
    world = World(vectors={"p0": np.eye(16)[0]})
    for user, events in (("ann", 3), ("bob", 2)):
        for number in range(events):
            world.did(user, f"p{number}", -1, EventType.VIEW)
        world.did(user, "p0", 1)
    past, future = _past(world), world.material().events.since(AT_US)

    assert [past.events.user_ids[u] for u in new_products(past, future, 2).users] == ["ann", "bob"]
    assert [past.events.user_ids[u] for u in new_products(past, future, 3).users] == ["ann"]


def test_weights_are_compared_where_there_is_more_than_one_type() -> None:
    world = tastes()
    assert UNWEIGHTED not in {score.name for score in ask(world.material()).targets[0].rankers}

    for user in range(80):
        for number in range(6):
            world.did(f"u{user:03}", f"p{(user + 1) % 8}-{number:02}", -0.5, EventType.VIEW)
    scores = target_of(ask(world.material()), DISCOVERIES)

    assert value_of(scores, Source.EMBEDDING) > value_of(scores, UNWEIGHTED)


def test_the_moment_is_that_before_which_the_share_of_the_events_lies() -> None:
    world = tastes()
    share = 0.5
    evaluation = ask(world.material(), Question(train_share=share, min_events=1, ks=(3,), resamples=10))

    before = [event for event in world.events if to_microseconds(event.occurred_at) < evaluation.at_us]
    assert evaluation.events_before == len(before) == share * len(world.events)
    assert evaluation.at_us < AT_US - timedelta(days=1).total_seconds()


def test_a_blend_that_is_best_of_all_is_held_against_the_best_single_ranker() -> None:
    world = tastes()
    for event in [event for event in world.events if isinstance(event, Interaction) and event.occurred_at > AT]:
        for number in range(3):  # what is bought next is what is looked at now
            world.did(f"{event.user_id}'s friend {number}", event.product_id or "", -1, EventType.VIEW)

    scores = target_of(ask(world.material()), DISCOVERIES)

    lead = scores.blend["MRR"]
    best = max(value_of(scores, score.name) for score in scores.rankers if score.name not in (WITHOUT_GRAPH, BLEND))
    assert value_of(scores, BLEND) > best
    assert value_of(scores, lead.over) == best
    assert lead.difference.value == pytest.approx(value_of(scores, BLEND) - best)
    assert lead.apart


def test_the_blend_that_is_served_comes_last_and_is_the_one_that_is_held_against_the_others() -> None:
    material = tastes().material()
    with_graph, without = (
        target_of(ask(material, sources=sources), DISCOVERIES)
        for sources in (list(Source), [Source.EMBEDDING, Source.POPULAR])
    )

    assert [score.name for score in with_graph.rankers[-2:]] == [WITHOUT_GRAPH, BLEND]
    assert [score.name for score in without.rankers[-2:]] == [BLEND, WITHOUT_GRAPH]
    lead = without.blend["MRR"]
    assert lead.difference.value == pytest.approx(value_of(without, WITHOUT_GRAPH) - value_of(without, lead.over))


def test_many_users_are_ranked_for_in_parts_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ask(tastes().material())

    monkeypatch.setattr("application.contest.CELLS_AT_ONCE", 700)

    assert ask(tastes().material()) == whole


@pytest.mark.parametrize(("least", "users"), [(1, 30), (50, 50), (300, 80)])
def test_the_more_products_the_fewer_users_are_drawn_and_never_fewer_than_the_least(
    least: int, users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = tastes()
    monkeypatch.setattr("application.evaluate.MOST_CELLS", 30 * len(world.vectors))
    monkeypatch.setattr("application.evaluate.LEAST_USERS", least)

    assert target_of(ask(world.material()), DISCOVERIES).users == users
