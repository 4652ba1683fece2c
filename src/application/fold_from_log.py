"""A user's state computed from the log alone."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from attrs import evolve

from application.subject_vectors import ReadSubjectVectors
from domain.applied_positions import AppliedPositions
from domain.decayed_sums import DecayedSums
from domain.fold import fold
from domain.interaction import Interaction, LoggedEvent
from domain.recipe import Recipe
from domain.settlement import Effect, settle_history
from domain.user_embedding import Rounded, UserEmbedding

USERS_AT_ONCE = 500
"""Users whose sums are held at once: 6 MB at 1536 dimensions."""


class Histories(Protocol):
    """What is folded of an event log."""

    def history(self, user_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        """As EventLog says."""


class FoldFromLog:
    """Folds everything that the log has of some users, in one streamed read."""

    def __init__(self, log: Histories, vectors: ReadSubjectVectors, recipe: Recipe) -> None:
        self._log = log
        self._vectors = vectors
        self._recipe = recipe

    def __call__(self, bases: Sequence[UserEmbedding]) -> Sequence[UserEmbedding]:
        """Each user of `bases` as the log says, with the base's version; nothing else of the base is used."""
        return [
            state
            for start in range(0, len(bases), USERS_AT_ONCE)
            for state in self._fold(bases[start : start + USERS_AT_ONCE])
        ]

    def _fold(self, bases: Sequence[UserEmbedding]) -> Sequence[UserEmbedding]:
        row_of = {base.user_id: row for row, base in enumerate(bases)}
        sums = DecayedSums.empty(len(bases), self._recipe.dimensions)
        applied = [AppliedPositions() for _ in bases]
        for page in self._log.history(row_of):
            vectors = self._vectors(interactions_of(page))
            effects: list[Sequence[Effect]] = [()] * len(bases)
            for user_id, events in by_user(page):
                row = row_of[user_id]
                settlement = settle_history(applied[row], events, lambda event: vectors.row_of(event) is not None)  # noqa: B023  # called at once
                applied[row], effects[row] = settlement.applied, settlement.effects
            sums = fold(sums, effects, vectors, self._recipe)
        rounded = Rounded.of(sums)
        return [
            evolve(
                rounded.state(row, base, applied[row]),
                recipe=self._recipe.id,
                model=self._recipe.model,
                missing_after_rebuild=applied[row].missing_count,
            )
            for row, base in enumerate(bases)
        ]


def interactions_of(events: Sequence[LoggedEvent]) -> Iterator[Interaction]:
    """The interactions among `events`."""
    return (logged.event for logged in events if isinstance(logged.event, Interaction))


def by_user(events: Sequence[LoggedEvent]) -> Iterator[tuple[str, list[LoggedEvent]]]:
    """Runs of events of the same user."""
    return ((user_id, list(run)) for user_id, run in groupby(events, key=lambda logged: logged.event.user_id))
