"""The interaction graph: users, products, and what joins them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeGuard

from neo4j import Record, Transaction
from neo4j.time import DateTime

from adapters.neo4j import statements
from adapters.neo4j.database import Neo4jDatabase
from domain.applied_positions import AppliedPositions
from domain.edges import Edge, edges_of
from domain.errors import InvalidValueError
from domain.interaction import EventType, Interaction

_EVENT_TYPES = {name: event_type for event_type, name in statements.TYPES.items()}
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)


class Neo4jGraph:
    """The graph in a Neo4j database.

    Parameters
    ----------
    with_phrases : whether searches have nodes and edges, too. Phrases are personal data, so that is to be chosen.
    """

    def __init__(self, database: Neo4jDatabase, *, with_phrases: bool = False) -> None:
        self._database = database
        self._with_phrases = with_phrases

    @contextmanager
    def transaction(self) -> Iterator["Neo4jGraphTransaction"]:
        with self._database.transaction() as transaction:
            yield Neo4jGraphTransaction(transaction, self._with_phrases)

    def applied(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        return _applied(self._database.read(statements.APPLIED, user_ids=list(user_ids)))

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        found = self._database.read(statements.USER_IDS, after=after if after is not None else "", limit=limit)
        return [record["user_id"] for record in found]

    def edges(self, user_ids: Collection[str]) -> Sequence[Edge]:
        found = self._database.read(statements.EDGES, user_ids=list(user_ids))
        # An edge that somebody deletes while it is read has no type any more.
        return [_edge(record) for record in found if record["type"] is not None]


class Neo4jGraphTransaction:
    """One transaction on the graph."""

    def __init__(self, transaction: Transaction, with_phrases: bool) -> None:
        self._transaction = transaction
        self._with_phrases = with_phrases

    def lock(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        # In one order, so that two who want the same users wait for each other and do not embrace.
        return _applied(self._transaction.run(statements.LOCK, user_ids=sorted(user_ids)))

    def forget(self, user_ids: Collection[str]) -> None:
        self._transaction.run(statements.FORGET, user_ids=list(user_ids)).consume()

    def add(self, interactions: Sequence[Interaction]) -> None:
        by_type: dict[EventType, list[Edge]] = {}
        for edge in edges_of(interactions):
            if edge.event_type is not EventType.SEARCH or self._with_phrases:
                by_type.setdefault(edge.event_type, []).append(edge)
        for event_type, edges in by_type.items():
            edges.sort(key=_ends)
            self._transaction.run(statements.add(event_type), edges=[_row(edge) for edge in edges]).consume()

    def mark(self, applied: Mapping[str, AppliedPositions]) -> None:
        users = [
            {
                "user_id": user_id,
                "position": positions.position,
                "missing": [end for gap in positions.missing for end in gap],
            }
            for user_id, positions in applied.items()
        ]
        self._transaction.run(statements.MARK, users=users).consume()


def _applied(records: Iterable[Record]) -> Mapping[str, AppliedPositions | None]:
    return {
        record["user_id"]: _positions(record["position"], record["missing"])
        for record in records
        if record["position"] is not None or record["missing"] is not None
    }


def _positions(position: object, missing: object) -> AppliedPositions | None:
    """The positions that a node holds; None where they make no sense."""
    ends = missing if isinstance(missing, list) else [None]
    if not _is_count(position) or not all(map(_is_count, ends)):
        return None
    try:
        return AppliedPositions(position, zip(ends[::2], ends[1::2], strict=True))
    except (InvalidValueError, ValueError):
        return None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _ends(edge: Edge) -> tuple[str, str]:
    return edge.subject, edge.user_id


def _row(edge: Edge) -> Sequence[str | int]:
    return [edge.user_id, edge.subject, edge.count, *_since_epoch(edge.first), *_since_epoch(edge.last)]


def _since_epoch(time: datetime) -> tuple[int, int]:
    """Whole seconds, and the nanoseconds after them."""
    since = time - _EPOCH
    return since.days * 86_400 + since.seconds, 1_000 * since.microseconds


def _edge(record: Record) -> Edge:
    """The edge of a record. One that somebody has damaged counts nothing, so that it equals no other."""
    count, first, last = record["count"], record["first"], record["last"]
    whole = isinstance(count, int) and isinstance(first, DateTime) and isinstance(last, DateTime)
    return Edge(
        user_id=record["user_id"],
        event_type=_EVENT_TYPES[record["type"]],
        subject=str(record["subject"]),
        count=count if whole else 0,
        first=_native(first) if whole else _NO_TIME,
        last=_native(last) if whole else _NO_TIME,
    )


def _native(time: DateTime) -> datetime:
    return time.to_native().astimezone(UTC)
