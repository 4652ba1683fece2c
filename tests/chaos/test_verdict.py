"""The verdict finds what is wrong: otherwise a run of chaos would prove nothing."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from application.event_message import as_message
from domain.applied_positions import AppliedPositions
from domain.interaction import Event
from tests.builders import bought, retraction, searched, viewed
from tests.chaos.ledger import Entry
from tests.chaos.truth import Truth, truth_of
from tests.chaos.verdict import Stored, Verdict, judge
from tests.shop import RECIPE, Shop

BOUGHT = bought("bought", "tea", age_days=40)
SEARCHED = searched("searched", "red lamp", age_days=3)
VIEWED = viewed("viewed", "mug", age_days=1)
TAKEN_BACK = viewed("taken back", "pot")
ACCEPTED: Sequence[Event] = (BOUGHT, SEARCHED, VIEWED, TAKEN_BACK, retraction("retraction", TAKEN_BACK))


def ledger(*events: Event) -> list[Entry]:
    """The ledger of a client to whom these were confirmed, all of one user."""
    return [
        Entry(line=n, status="recorded", message=as_message(event), accepted_as=event.message_id, position=n)
        for n, event in enumerate(events, start=1)
    ]


def stored(*events: Event) -> Stored:
    """What there would be if the states held these events and said that they hold all that was accepted."""
    shop = Shop()
    shop.stock(tea="green tea", mug="blue mug", pot="tin pot")
    shop.apply(*events)
    product_ids, products = shop.catalogue.vectors({"tea", "mug", "pot"})
    phrases, vectors = shop.phrase_vectors.get(RECIPE.model, {"red lamp"})
    applied = AppliedPositions(position=len(ACCEPTED))
    return Stored(
        states={user: evolve(state, applied=applied) for user, state in shop.storage.store.states.items()},
        vectors=dict(zip([*product_ids, *phrases], [*products, *vectors], strict=True)),
        logged=len(ACCEPTED),
    )


@pytest.fixture
def truth() -> Truth:
    """The truth of what was accepted."""
    return truth_of(ledger(*ACCEPTED))


def counts(verdict: Verdict) -> tuple[int, int, int]:
    """Applied, lost, twice."""
    return verdict.applied, verdict.lost, verdict.twice


def test_what_was_accepted_and_is_stored_is_right(truth: Truth) -> None:
    verdict = judge(truth, stored(*ACCEPTED))

    assert (verdict.wrong, counts(verdict)) == ({}, (5, 0, 0))


def test_a_repeat_in_the_ledger_of_another_client_is_the_same_event(truth: Truth) -> None:
    again = truth_of([*ledger(*ACCEPTED), *ledger(*ACCEPTED[:2])])

    assert judge(again, stored(*ACCEPTED)) == judge(truth, stored(*ACCEPTED))


def test_an_event_without_effect_is_lost_and_named(truth: Truth) -> None:
    verdict = judge(truth, stored(SEARCHED, VIEWED))

    assert counts(verdict) == (4, 1, 0)
    assert "lost: bought;" in verdict.wrong["ann"]


def test_a_search_whose_phrase_has_no_vector_is_lost(truth: Truth) -> None:
    assert counts(judge(truth, stored(BOUGHT, VIEWED))) == (4, 1, 0)


def test_an_event_that_counts_twice_is_named(truth: Truth) -> None:
    verdict = judge(truth, stored(*ACCEPTED, evolve(SEARCHED, message_id="the same once more")))

    assert counts(verdict) == (5, 0, 1)
    assert "too often: searched" in verdict.wrong["ann"]


def test_a_retraction_without_effect_leaves_its_event_counted_too_often(truth: Truth) -> None:
    verdict = judge(truth, stored(BOUGHT, SEARCHED, VIEWED, TAKEN_BACK))

    assert counts(verdict) == (5, 0, 1)
    assert "too often: taken back" in verdict.wrong["ann"]


def test_one_event_in_place_of_another_is_found_though_the_count_is_right(truth: Truth) -> None:
    verdict = judge(truth, stored(BOUGHT, SEARCHED, evolve(BOUGHT, message_id="once more")))

    assert counts(verdict) == (4, 1, 1)
    assert "lost: viewed; too often: bought" in verdict.wrong["ann"]


def test_a_user_without_a_state_has_lost_everything(truth: Truth) -> None:
    verdict = judge(truth, evolve(stored(*ACCEPTED), states={}))

    assert counts(verdict) == (0, 5, 0)


def test_positions_that_are_not_applied_are_lost(truth: Truth) -> None:
    right = stored(*ACCEPTED)
    behind = {u: evolve(state, applied=AppliedPositions(5, ((4, 4),))) for u, state in right.states.items()}

    assert counts(judge(truth, evolve(right, states=behind))) == (4, 1, 0)


def test_an_event_that_the_log_has_lost_is_found(truth: Truth) -> None:
    verdict = judge(truth, evolve(stored(*ACCEPTED), logged=4))

    assert (verdict.lost, list(verdict.wrong)) == (1, ["(the log)"])


def test_two_events_with_one_position_are_found() -> None:
    entries = [evolve(entry, position=min(entry.position, 4)) for entry in ledger(*ACCEPTED)]

    assert "ann" in judge(truth_of(entries), stored(*ACCEPTED)).wrong


def test_a_state_of_somebody_without_events_is_found(truth: Truth) -> None:
    right = stored(*ACCEPTED)
    stranger = evolve(right.states["ann"], user_id="bob")

    assert list(judge(truth, evolve(right, states={**right.states, "bob": stranger})).wrong) == ["bob"]
