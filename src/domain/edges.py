"""Edges: what joins a user to a product or a phrase, folded from the interactions between them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import frozen

from domain.interaction import EventType, Interaction
from domain.phrase import normalize_phrase

Ends = tuple[str, EventType, str]
"""User, type and subject of an edge."""


@frozen(kw_only=True)
class Edge:
    """All interactions of one type between a user and a subject: how many, and when the first and the last was.

    `subject` is a product id, for a search the phrase.
    """

    user_id: str
    event_type: EventType
    subject: str
    count: int
    first: datetime
    last: datetime

    @classmethod
    def of(cls, interaction: Interaction) -> "Edge":
        """The edge of one interaction."""
        phrase, product_id = interaction.search_phrase, interaction.product_id
        return cls(
            user_id=interaction.user_id,
            event_type=interaction.event_type,
            subject=normalize_phrase(phrase) if phrase is not None else str(product_id),
            count=1,
            first=interaction.occurred_at,
            last=interaction.occurred_at,
        )

    @property
    def ends(self) -> Ends:
        """What two edges have in common that are one."""
        return self.user_id, self.event_type, self.subject

    def merge(self, other: "Edge") -> "Edge":
        """Both as one; they must have the same ends. Commutative and associative."""
        return Edge(
            user_id=self.user_id,
            event_type=self.event_type,
            subject=self.subject,
            count=self.count + other.count,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )


def edges_of(interactions: Iterable[Interaction]) -> Sequence[Edge]:
    """The edges of these interactions, each pair of ends once."""
    edges: dict[Ends, Edge] = {}
    merge_into(edges, map(Edge.of, interactions))
    return list(edges.values())


def merge_into(edges: dict[Ends, Edge], more: Iterable[Edge]) -> None:
    """Merge `more` into `edges`, which are by their ends."""
    for edge in more:
        known = edges.get(edge.ends)
        edges[edge.ends] = edge if known is None else known.merge(edge)
