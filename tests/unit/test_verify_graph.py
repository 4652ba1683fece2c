"""The graph against the log: what is right is found right, and what somebody has changed is found."""

from datetime import timedelta

import pytest
from attrs import evolve

from application.catch_up import DEFAULT_AGE
from application.ports.dead_letters import DeadLetter
from application.ports.queues import GRAPH_QUEUE, WORK_QUEUE
from domain.applied_positions import AppliedPositions
from tests.builders import NOW, bought, days_ago, retraction, searched, viewed
from tests.unit.graph_side import GraphSide, expected_edges

EVENTS = (
    viewed("m1", "tea", age_days=3),
    viewed("m2", "tea", age_days=1),
    bought("m3", "mug"),
    searched("m4", "pots"),
    retraction("m5", "m2"),
    viewed("m6", "tea", "ben"),
)


@pytest.fixture
def side() -> GraphSide:
    """All events recorded, and all in the graph."""
    side = GraphSide(*EVENTS)
    side.deliver(*(event.message_id for event in EVENTS))
    return side


def _letter(message_id: str, queue: str) -> DeadLetter:
    return DeadLetter(
        message_id=message_id,
        user_id="ann",
        queue=queue,
        body=b"{}",
        error_type="PermanentError",
        error_text="It never works.",
        attempts=1,
        first_failed_at=NOW,
        last_failed_at=NOW,
    )


def test_what_the_log_gives_is_right(side: GraphSide) -> None:
    report = side.verify(["ann", "ben", "nobody"])

    assert (report.users, report.events, report.mismatches, report.lag) == (3, 6, (), 0)


def test_what_is_not_applied_yet_is_lag_and_no_mismatch(side: GraphSide) -> None:
    side.record(bought("m7", "pot"), retraction("m8", "m1"))

    report = side.verify(["ann", "ben"])

    assert (report.mismatches, report.lag) == ((), 2)


def test_a_count_that_somebody_changed_is_found(side: GraphSide) -> None:
    applied, edges = side.graph.users["ann"]
    side.graph.users["ann"] = (applied, [evolve(edge, count=edge.count + 1) for edge in edges])

    [mismatch] = side.verify(["ann", "ben"]).mismatches

    assert mismatch.user_id == "ann"
    assert "counts 2 where the log has 1" in mismatch.reason


def test_a_time_that_somebody_changed_is_found(side: GraphSide) -> None:
    applied, edges = side.graph.users["ann"]
    side.graph.users["ann"] = (applied, [evolve(edge, first=days_ago(99)) for edge in edges])

    [mismatch] = side.verify(["ann"]).mismatches

    assert "first or last time" in mismatch.reason


def test_an_edge_that_is_gone_is_found_and_its_phrase_is_not_told(side: GraphSide) -> None:
    applied, edges = side.graph.users["ann"]
    side.graph.users["ann"] = (applied, [edge for edge in edges if edge.event_type != "search"])

    [mismatch] = side.verify(["ann"]).mismatches

    assert "pots" not in mismatch.reason


def test_positions_that_make_no_sense_are_found_and_mended_by_catching_up(side: GraphSide) -> None:
    side.graph.users["ann"] = (None, [])

    assert len(side.verify(["ann"]).mismatches) == 1
    assert side.catch_up().rebuilt == 1

    assert side.verify(["ann"]).mismatches == ()
    assert side.edges() == expected_edges(EVENTS)


def test_everybody_is_in_the_pages_whom_the_log_or_the_graph_knows(side: GraphSide) -> None:
    side.graph.users["stranger"] = (AppliedPositions(1), [])

    assert sorted(user_id for page in side.verify.pages() for user_id in page) == ["ann", "ben", "stranger"]


def test_catching_up_brings_what_was_dropped_and_is_old_enough(side: GraphSide) -> None:
    side.record(bought("old", "pot"))
    side.clock.advance(DEFAULT_AGE)
    side.record(bought("young", "pot", "ben"))

    report = side.catch_up()

    assert (report.users, report.events, report.rebuilt) == (1, 1, 0)
    assert side.applied("ann") == AppliedPositions(6)
    assert side.applied("ben") == AppliedPositions(1)
    assert side.metrics.counters[f'penchant_caught_up_events_total{{queue="{GRAPH_QUEUE}"}}'] == 1


def test_catching_up_with_everything_fills_an_empty_graph() -> None:
    side = GraphSide(*EVENTS)

    assert side.catch_up(timedelta(0)).events == 6

    assert side.edges() == expected_edges(EVENTS)
    assert not side.catch_up(timedelta(0))


def test_what_died_on_its_way_to_the_graph_stays_dead_and_what_died_elsewhere_does_not() -> None:
    side = GraphSide(viewed("m1"), viewed("m2", user_id="ben"))
    side.dead_letters.add([_letter("m1", GRAPH_QUEUE), _letter("m2", WORK_QUEUE)])

    side.catch_up(timedelta(0))

    assert side.applied("ann") is None
    assert side.applied("ben") == AppliedPositions(1)


def test_a_piece_of_catching_up_is_some_users(side: GraphSide) -> None:
    side.record(bought("old", "pot"))
    side.clock.advance(DEFAULT_AGE)

    assert [report.events for report in side.catch_up.pieces()] == [1]
