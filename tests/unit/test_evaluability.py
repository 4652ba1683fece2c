"""What cannot be evaluated is said in one sentence: what is missing, and what to do."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from application.evaluate import Evaluate
from domain.blend import Blend, Source
from domain.errors import InvalidValueError
from domain.interaction import EventType, Interaction
from tests.unit.evaluation_side import AT, QUESTION, RECIPE, World, ask, target_of, tastes


def _nothing(world: World) -> None:
    world.events.clear()


def _at_one_time(world: World) -> None:
    world.events = [evolve(event, occurred_at=AT) for event in world.events]


def _views_only(world: World) -> None:
    world.events = [evolve(event, event_type=EventType.VIEW) for event in world.events]


def _no_future(world: World) -> None:
    world.events = [event for event in world.events if event.occurred_at < AT]


def _no_past(world: World) -> None:
    world.events = [evolve(event, occurred_at=event.occurred_at + timedelta(days=90)) for event in world.events]


def _only_views_later(world: World) -> None:
    world.events = [
        evolve(event, event_type=EventType.VIEW) if isinstance(event, Interaction) and event.occurred_at > AT else event
        for event in world.events
    ]


def _other_ids(world: World) -> None:
    world.vectors = {f"sku-{name}": vector for name, vector in world.vectors.items()}


def _few_users(world: World) -> None:
    world.events = [event for event in world.events if event.user_id < "u019"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_nothing, "events are missing.*penchant events import.*--from"),
        (_at_one_time, "events all occurred at 2026-03-01.*send the times at which they occurred"),
        (_views_only, "events hold view and no purchase; import purchases"),
        (_no_future, "events hold no purchase after 2026-03-01.*move it with --at"),
        (_no_past, "events hold no purchase before 2026-03-01.*move it with --at"),
        (_only_views_later, "events hold no purchase after 2026-03-01"),
        (_other_ids, r"products have no vector, not one of the 9\d in the events \(p0-00, .*under exactly these ids"),
        (_few_users, "users are too few: 1?[0-9] with at least 2 events.*something new.*needs 20; lower --min-events"),
    ],
)
def test_what_is_missing_is_said(spoil: Callable[[World], None], said: str) -> None:
    world = tastes()
    spoil(world)

    with pytest.raises(InvalidValueError, match=said) as raised:
        ask(world.material())

    assert "\n" not in str(raised.value)


def test_one_event_type_is_said_and_stops_nothing() -> None:
    evaluation = ask(tastes().material())

    assert "All events before the moment are of one type (purchase): weights cannot be compared." in evaluation.notes
    assert evaluation.targets


def test_too_few_repeats_are_said_and_stop_nothing() -> None:
    evaluation = ask(tastes().material())

    assert [target.name for target in evaluation.targets] == ["discoveries", "first discovery"]
    assert any(note.startswith("Repeats are left out: users are too few: 0 with") for note in evaluation.notes)


def test_products_without_a_vector_are_counted_and_still_known_to_the_others() -> None:
    world = tastes()
    del world.vectors["p0-00"]

    evaluation = ask(world.material())

    assert any(note.startswith("1 of 96 products have no vector") for note in evaluation.notes)
    assert target_of(evaluation, "discoveries").relevant == 80


def test_a_single_product_with_a_vector_makes_no_table_of_zeros() -> None:
    world = tastes()
    world.vectors = {"p0-00": world.vectors["p0-00"]}

    with pytest.raises(InvalidValueError, match="of what has a vector"):
        ask(world.material())


def test_few_users_are_told_and_so_is_a_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "80 users are few: the intervals are narrower than they should be." in ask(tastes().material()).notes

    monkeypatch.setattr("application.evaluate.MOST_USERS", 30)
    evaluation = ask(tastes().material())

    assert evaluation.targets[0].users == 30
    assert "Of 80 users, 30 are looked at, drawn by lot." in evaluation.notes


def test_sources_that_weigh_nothing_are_told() -> None:
    blend = Blend(weights={Source.EMBEDDING: 0, Source.POPULAR: 0, Source.BOUGHT_WITH: 1})

    with pytest.raises(InvalidValueError, match="set PENCHANT_BLEND_EMBEDDING or PENCHANT_BLEND_POPULAR"):
        Evaluate(tastes().material(), QUESTION, RECIPE, blend, (Source.EMBEDDING, Source.POPULAR))


def test_more_users_are_asked_for_than_there_are() -> None:
    with pytest.raises(InvalidValueError, match="users are too few: 0 with at least 500 events"):
        ask(tastes().material(), evolve(QUESTION, min_events=500))


def test_users_for_whom_nothing_could_be_found_for_want_of_a_vector_are_left_out() -> None:
    world = tastes()
    for product in [name for name in world.vectors if name.startswith("p0")]:
        del world.vectors[product]

    scores = target_of(ask(world.material()), "discoveries")

    assert scores.users == 70
