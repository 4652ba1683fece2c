"""Laws of edges."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.edges import Edge, edges_of
from domain.interaction import EventType, Interaction
from tests.builders import days_ago, interaction

interactions = st.lists(
    st.builds(
        lambda number, event_type, subject, user_id, age_days: interaction(
            f"m{number}", event_type, subject, user_id, age_days
        ),
        number=st.integers(0, 1_000),
        event_type=st.sampled_from(EventType),
        subject=st.sampled_from(["tea", "TEA", "mug"]),
        user_id=st.sampled_from(["ann", "ben"]),
        age_days=st.integers(-3, 3).map(float),
    ),
    max_size=20,
)


def _by_ends(edges: "list[Edge]") -> dict[tuple[str, str, str], Edge]:
    return {edge.ends: edge for edge in edges}


@given(interactions, st.integers(0, 2**32))
def test_any_order_gives_the_same_edges(events: list[Interaction], seed: int) -> None:
    shuffled = events.copy()
    Random(seed).shuffle(shuffled)

    assert _by_ends([*edges_of(shuffled)]) == _by_ends([*edges_of(events)])


@given(interactions, st.integers(0, 20))
def test_parts_merged_are_the_whole(events: list[Interaction], cut: int) -> None:
    merged = _by_ends([*edges_of(events[:cut])])
    for edge in edges_of(events[cut:]):
        merged[edge.ends] = edge.merge(merged[edge.ends]) if edge.ends in merged else edge

    assert merged == _by_ends([*edges_of(events)])


def test_an_edge_counts_and_knows_the_first_and_the_last() -> None:
    [edge] = edges_of(interaction(f"m{age}", EventType.VIEW, "tea", "ann", age_days=float(age)) for age in (2, 9, 5))

    assert edge == Edge(
        user_id="ann", event_type=EventType.VIEW, subject="tea", count=3, first=days_ago(9), last=days_ago(2)
    )


def test_spellings_of_a_phrase_are_one_subject_and_of_a_product_id_two() -> None:
    phrases = [interaction("m1", EventType.SEARCH, "green  tea"), interaction("m2", EventType.SEARCH, " green tea")]
    products = [interaction("m3", EventType.VIEW, "tea"), interaction("m4", EventType.VIEW, "tea ")]

    assert [edge.count for edge in edges_of(phrases)] == [2]
    assert [edge.count for edge in edges_of(products)] == [1, 1]
