"""The interaction graph in dicts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from application.delivered import NOTHING
from domain.applied_positions import AppliedPositions
from domain.edges import Edge, edges_of
from domain.interaction import Interaction

KeptUser = tuple[AppliedPositions | None, Sequence[Edge]]
"""Which events of a user are applied (None: it makes no sense), and the user's edges."""


class MemoryGraph:
    """One transaction after the other, on a copy that takes the place of what was when it commits."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.users: dict[str, KeptUser] = {}

    @contextmanager
    def transaction(self) -> Iterator["_Transaction"]:
        with self._lock:
            transaction = _Transaction(dict(self.users))
            yield transaction
            self.users = transaction.users

    def applied(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        return _applied(self.users, user_ids)

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        return sorted(user_id for user_id in self.users if after is None or user_id > after)[:limit]

    def edges(self, user_ids: Collection[str]) -> Sequence[Edge]:
        users = self.users
        return [edge for user_id in user_ids if user_id in users for edge in users[user_id][1]]


class _Transaction:
    def __init__(self, users: dict[str, KeptUser]) -> None:
        self.users = users

    def lock(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        return _applied(self.users, user_ids)

    def forget(self, user_ids: Collection[str]) -> None:
        for user_id in user_ids:
            self.users.pop(user_id, None)

    def add(self, interactions: Sequence[Interaction]) -> None:
        for edge in edges_of(interactions):
            applied, edges = self.users.get(edge.user_id, (NOTHING, ()))
            same = [old for old in edges if old.ends == edge.ends]
            others = [old for old in edges if old.ends != edge.ends]
            self.users[edge.user_id] = (applied, [*others, edge.merge(same[0]) if same else edge])

    def mark(self, applied: Mapping[str, AppliedPositions]) -> None:
        for user_id, positions in applied.items():
            _, edges = self.users.get(user_id, (NOTHING, ()))
            self.users[user_id] = (positions, edges)


def _applied(users: Mapping[str, KeptUser], user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
    return {user_id: users[user_id][0] for user_id in user_ids if user_id in users}
