"""Projections: what is kept of every user beside the embedding, and follows from the log alone."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from domain.applied_positions import AppliedPositions
from domain.edges import Edge
from domain.interaction import Interaction


class ProjectionTransaction(Protocol):
    """One transaction on a projection. What is kept of a user and which events it has applied change together."""

    def lock(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        """Which events of each of these users are applied; users of whom nothing is kept are left out.

        None where what is stored makes no sense: it has to be forgotten. Until the transaction ends, nobody else
        changes these users, whether anything was kept of them or not. To be called once, before all else.
        """

    def forget(self, user_ids: Collection[str]) -> None:
        """Remove all that is kept of these users, who are locked."""

    def add(self, interactions: Sequence[Interaction]) -> None:
        """Add what these interactions, each of a locked user and not added before, come to."""

    def mark(self, applied: Mapping[str, AppliedPositions]) -> None:
        """Say which events of each of these locked users are applied from now on."""


class Projection(Protocol):
    """What follows from the interactions of each user, in any order, by adding alone.

    All calls raise UnavailableError when it cannot be reached.
    """

    def transaction(self) -> AbstractContextManager[ProjectionTransaction]:
        """All or nothing: committed when the block ends, nothing written when it raises.

        Raises LostRaceError, at any point, if a concurrent transaction was first: repeat the whole block.
        """

    def applied(self, user_ids: Collection[str]) -> Mapping[str, AppliedPositions | None]:
        """What `lock` says, without a lock."""

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        """The next `limit` users of whom anything is kept after `after`, in the projection's own order of ids."""


class InteractionGraph(Projection, Protocol):
    """A projection that keeps the edges between users and their products."""

    def edges(self, user_ids: Collection[str]) -> Sequence[Edge]:
        """All edges of these users, in no particular order."""
