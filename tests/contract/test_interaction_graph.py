"""What every interaction graph promises."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from application.ports.projection import InteractionGraph
from domain.applied_positions import AppliedPositions
from domain.edges import Edge, edges_of
from domain.errors import LostRaceError
from domain.interaction import EventType, Interaction
from tests.builders import NOW, ODD_TEXTS, bought, days_ago, interaction, searched, viewed

PATIENCE_SECONDS = 60


def _put(graph: InteractionGraph, *interactions: Interaction, applied: AppliedPositions | None = None) -> None:
    """Add these and mark their users, in a transaction of their own."""
    users = sorted({event.user_id for event in interactions})
    with graph.transaction() as transaction:
        transaction.lock(users)
        transaction.add(interactions)
        transaction.mark(dict.fromkeys(users, applied if applied is not None else AppliedPositions(len(interactions))))


def _sorted(edges: Sequence[Edge]) -> list[Edge]:
    return sorted(edges, key=lambda edge: edge.ends)


def test_edges_come_back_whole(graph: InteractionGraph) -> None:
    events = [
        *(interaction(f"{kind}{age}", kind, "tea", "ann", age) for kind in EventType for age in (3.0, 1.0, 2.5)),
        bought("other", "mug", "ann"),
        viewed("bens", "tea", "ben"),
    ]

    _put(graph, *events)

    assert _sorted(graph.edges(["ann", "ben", "nobody"])) == _sorted(edges_of(events))


def test_what_is_added_later_joins_the_edges_that_are_there(graph: InteractionGraph) -> None:
    first = [viewed("m1", "tea", age_days=5), viewed("m2", "mug", age_days=5)]
    second = [viewed("m3", "tea", age_days=9), viewed("m4", "tea", age_days=1), bought("m5", "tea")]

    _put(graph, *first)
    _put(graph, *second)

    assert _sorted(graph.edges(["ann"])) == _sorted(edges_of([*first, *second]))


def test_times_keep_their_microseconds_and_their_order(graph: InteractionGraph) -> None:
    times = [NOW + timedelta(microseconds=1), NOW + timedelta(microseconds=999_999), datetime(1, 1, 2, tzinfo=UTC)]
    events = [interaction(f"m{n}", EventType.VIEW, f"p{n}", occurred_at=at) for n, at in enumerate(times)]

    _put(graph, *events)

    assert {edge.subject: (edge.first, edge.last) for edge in graph.edges(["ann"])} == {
        f"p{n}": (at, at) for n, at in enumerate(times)
    }


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_ids_are_compared_byte_by_byte(graph: InteractionGraph, text: str) -> None:
    others = [other for other in ODD_TEXTS if other != text]
    _put(graph, *(viewed(f"m{n}", other, user_id=other) for n, other in enumerate(others)))

    _put(graph, viewed("mine", text, user_id=text), applied=AppliedPositions(7))

    assert [(edge.user_id, edge.subject) for edge in graph.edges([text])] == [(text, text)]
    assert graph.applied([text]) == {text: AppliedPositions(7)}


def test_positions_come_back_whole(graph: InteractionGraph) -> None:
    applied = AppliedPositions(2**40, ((1, 2), (5, 5), (9, 2**33)))

    _put(graph, viewed("m1"), applied=applied)

    assert graph.applied(["ann", "nobody"]) == {"ann": applied}
    with graph.transaction() as transaction:
        assert transaction.lock(["ann", "nobody"]) == {"ann": applied}


def test_a_user_whose_log_is_empty_is_known(graph: InteractionGraph) -> None:
    with graph.transaction() as transaction:
        transaction.lock(["ann"])
        transaction.mark({"ann": AppliedPositions()})

    assert graph.applied(["ann"]) == {"ann": AppliedPositions()}


def test_what_is_forgotten_is_gone_and_nobody_elses(graph: InteractionGraph) -> None:
    _put(graph, viewed("m1", "tea"), searched("m2", "tea"), viewed("m3", "tea", "ben"))

    with graph.transaction() as transaction:
        transaction.lock(["ann"])
        transaction.forget(["ann"])
        transaction.add([bought("m4", "pot")])
        transaction.mark({"ann": AppliedPositions(4)})

    assert [edge.subject for edge in graph.edges(["ann"])] == ["pot"]
    assert [edge.user_id for edge in graph.edges(["ben"])] == ["ben"]
    assert graph.applied(["ann"]) == {"ann": AppliedPositions(4)}


def test_nothing_is_written_when_the_block_raises(graph: InteractionGraph) -> None:
    _put(graph, viewed("m1"))

    def fail() -> None:
        with graph.transaction() as transaction:
            transaction.lock(["ann", "ben"])
            transaction.forget(["ann"])
            transaction.add([bought("m2", "pot", "ben")])
            transaction.mark({"ben": AppliedPositions(1)})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [edge.subject for edge in graph.edges(["ann", "ben"])] == ["tea"]
    assert graph.applied(["ann", "ben"]) == {"ann": AppliedPositions(1)}


def test_who_locks_a_user_reads_what_the_one_before_has_written(
    graphs: tuple[InteractionGraph, InteractionGraph],
) -> None:
    graph, elsewhere = graphs
    _put(graph, viewed("m1"))
    locked, asks = Event(), Event()

    def other() -> object:
        assert locked.wait(PATIENCE_SECONDS)
        asks.set()
        with elsewhere.transaction() as transaction:
            return transaction.lock(["ann", "new"])

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(other)
        with graph.transaction() as transaction:
            transaction.lock(["ann", "new"])
            locked.set()
            assert asks.wait(PATIENCE_SECONDS)
            transaction.mark({"ann": AppliedPositions(2), "new": AppliedPositions(3)})

        assert seen.result(PATIENCE_SECONDS) == {"ann": AppliedPositions(2), "new": AppliedPositions(3)}


def test_many_who_add_at_once_lose_nothing(graphs: tuple[InteractionGraph, InteractionGraph]) -> None:
    events = [viewed(f"m{n}", f"p{n % 5}", f"u{n % 3}", float(n)) for n in range(60)]

    def add(at: int) -> None:
        graph = graphs[at % 2]
        while True:
            try:
                return _put(graph, *events[at * 10 : at * 10 + 10])
            except LostRaceError:
                continue

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))

    assert _sorted(graphs[0].edges(["u0", "u1", "u2"])) == _sorted(edges_of(events))


def test_users_are_listed_page_by_page(graph: InteractionGraph) -> None:
    _put(graph, *(viewed(f"m{n}", "tea", f"u{n}") for n in range(7)))

    pages: list[Sequence[str]] = []
    while page := graph.user_ids(pages[-1][-1] if pages else None, 3):
        pages.append(page)

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(user_id for page in pages for user_id in page) == [f"u{n}" for n in range(7)]


def test_nothing_to_do_is_no_error(graph: InteractionGraph) -> None:
    with graph.transaction() as transaction:
        assert transaction.lock([]) == {}
        transaction.add([])
        transaction.forget([])
        transaction.mark({})

    assert graph.edges([]) == []
    assert graph.applied([]) == {}
    assert graph.user_ids(None, 10) == []


def test_the_last_time_is_the_latest_whatever_comes_last(graph: InteractionGraph) -> None:
    _put(graph, viewed("m1", age_days=1))
    _put(graph, viewed("m2", age_days=8))

    [edge] = graph.edges(["ann"])

    assert (edge.first, edge.last) == (days_ago(8), days_ago(1))
