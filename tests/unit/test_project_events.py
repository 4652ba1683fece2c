"""Deliveries into a projection: each event counts once, whatever is delivered how often, in which order."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.graph import MemoryGraph
from application.fold_from_log import by_user
from application.ports.message_source import Verdict
from application.ports.projection import ProjectionTransaction
from application.ports.queues import GRAPH_QUEUE
from application.project_events import ATTEMPTS
from domain.applied_positions import AppliedPositions
from domain.errors import LostRaceError
from domain.interaction import Event, Interaction, Retraction
from tests.builders import bought, days_ago, retraction, searched, viewed
from tests.unit.graph_side import GraphSide, expected_edges


class Losing(MemoryGraph):
    """A graph on which somebody else is first so many times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    @contextmanager
    def transaction(self) -> Iterator[ProjectionTransaction]:
        with super().transaction() as transaction:
            yield transaction
            if self.races:
                self.races -= 1
                raise LostRaceError("Somebody else was first.")


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Event], list[list[str]]]:
    """Events of two users, some taken back, and their deliveries in batches: all of them, shuffled, some repeated."""
    events: list[Event] = []
    for number in range(draw(st.integers(1, 14))):
        user_id = draw(st.sampled_from(["ann", "ben"]))
        targets = [event for event in events if isinstance(event, Interaction) and event.user_id == user_id]
        taken = {event.retracts for event in events if isinstance(event, Retraction)}
        open_targets = [event for event in targets if event.message_id not in taken]
        if open_targets and draw(st.booleans()):
            events.append(retraction(f"m{number}", draw(st.sampled_from(open_targets))))
        else:
            make = draw(st.sampled_from([viewed, bought, searched]))
            subject, age_days = draw(st.sampled_from(["tea", "mug"])), float(draw(st.integers(0, 5)))
            events.append(make(f"m{number}", subject, user_id, age_days))
    message_ids = [event.message_id for event in events]
    order = draw(st.permutations([*message_ids, *draw(st.lists(st.sampled_from(message_ids), max_size=6))]))
    size = draw(st.integers(1, 6))
    return events, [order[start : start + size] for start in range(0, len(order), size)]


@given(journeys(), st.integers(0, 3))
def test_any_order_and_any_repeats_give_the_edges_of_what_is_not_taken_back(
    journey: tuple[list[Event], list[list[str]]], races: int
) -> None:
    events, batches = journey
    side = GraphSide(*events, graph=Losing(races))

    for batch in batches:
        side.deliver(*batch)

    assert side.edges() == expected_edges(events)
    for page in side.log.history(["ann", "ben"]):
        assert {user_id: side.applied(user_id) for user_id, _ in by_user(page)} == {
            user_id: AppliedPositions(len(of_user)) for user_id, of_user in by_user(page)
        }


def test_every_delivery_is_applied_and_counts_as_new_once() -> None:
    side = GraphSide(viewed("m1"), viewed("m2"))

    first, again = side.deliver("m1"), side.deliver("m1", "m2")

    assert [outcome.verdict for outcome in again.outcomes] == [Verdict.APPLIED, Verdict.APPLIED]
    assert [logged.event.message_id for logged in first.newly_applied] == ["m1"]
    assert [logged.event.message_id for logged in again.newly_applied] == ["m2"]


def test_a_retraction_takes_the_first_and_the_last_time_back() -> None:
    side = GraphSide(*(viewed(f"m{age}", "tea", age_days=float(age)) for age in (1, 5, 9)))
    side.deliver("m1", "m5", "m9")
    side.record(retraction("r1", "m1"), retraction("r9", "m9"))

    report = side.deliver("r1", "r9")

    assert side.edges() == {("ann", "view", "tea"): (1, days_ago(5), days_ago(5))}
    assert report.rebuilt == {"retracted": 1}


def test_the_last_interaction_that_is_taken_back_takes_its_edge_along() -> None:
    side = GraphSide(viewed("m1"))
    side.deliver("m1")
    side.record(retraction("r1", "m1"))

    side.deliver("r1")

    assert side.edges() == {}


def test_a_retraction_before_its_target_settles_both() -> None:
    side = GraphSide(viewed("m1"), retraction("r1", "m1"))

    report = side.deliver("r1")

    assert side.edges() == {}
    assert side.applied() == AppliedPositions(2)
    assert report.rebuilt == {}


def test_a_user_who_misses_many_events_is_read_from_the_log() -> None:
    side = GraphSide(*(viewed(f"m{number}") for number in range(1, 101)))

    report = side.deliver("m100")

    assert report.rebuilt == {"missing": 1}
    assert side.applied() == AppliedPositions(100)
    assert side.metrics.counters[f'penchant_rebuilds_total{{queue="{GRAPH_QUEUE}"}}{{reason="missing"}}'] == 1


def test_what_makes_no_sense_is_forgotten_and_read_from_the_log() -> None:
    side = GraphSide(viewed("m1"), viewed("m2"))
    side.deliver("m1", "m2")
    side.graph.users["ann"] = (None, [])
    side.record(viewed("m3"))

    report = side.deliver("m3")

    assert report.damaged == ["ann"]
    assert side.edges() == expected_edges([viewed("m1"), viewed("m2"), viewed("m3")])


def test_a_rebuild_mends_whatever_was_done_behind_our_back() -> None:
    side = GraphSide(viewed("m1"), bought("m2"), retraction("m3", "m1"))
    with side.graph.transaction() as transaction:
        transaction.lock(["ann"])
        transaction.add([bought("foreign", "gold")])
        transaction.mark({"ann": AppliedPositions(17)})

    side.project.rebuild(["ann", "ann"])

    assert side.edges() == expected_edges([bought("m2")])
    assert side.applied() == AppliedPositions(3)


def test_a_user_whom_the_log_has_forgotten_is_forgotten_by_a_rebuild() -> None:
    side = GraphSide()
    with side.graph.transaction() as transaction:
        transaction.lock(["ann"])
        transaction.add([bought("m1")])
        transaction.mark({"ann": AppliedPositions(1)})

    side.project.rebuild(["ann"])

    assert side.edges() == {}


def test_who_always_loses_gives_up_and_has_written_nothing() -> None:
    side = GraphSide(viewed("m1"), graph=Losing(ATTEMPTS))

    with pytest.raises(LostRaceError):
        side.deliver("m1")

    assert side.edges() == {}
    assert side.metrics.counters[f'penchant_write_races_lost_total{{queue="{GRAPH_QUEUE}"}}'] == ATTEMPTS
