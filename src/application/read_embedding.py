"""Reading an embedding: as it is stored, or as the log says that it was at a time."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import numpy as np
from attrs import evolve

from application.fold_from_log import FoldFromLog
from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from application.stored_state import require_state
from application.subject_vectors import ReadSubjectVectors
from domain.errors import UnknownUserError
from domain.instant import to_microseconds
from domain.interaction import LoggedEvent, Retraction
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding


class ReadEmbedding:
    """The state of one user."""

    def __init__(self, store: UserEmbeddingStore, log: EventLog, vectors: ReadSubjectVectors, recipe: Recipe) -> None:
        self._store = store
        self._log = log
        self._vectors = vectors
        self._recipe = recipe

    def now(self, user_id: str) -> UserEmbedding:
        """What is stored, with norm and weight as of its own `as_of`.

        Raises
        ------
        UnknownUserError : nothing is stored of the user; the text says whether events are on their way.
        """
        return require_state(self._store, self._log, user_id, self._recipe)

    def at(self, user_id: str, at: datetime) -> UserEmbedding:
        """What the user was into at a time: events that had occurred by then, unless taken back by then.

        It is folded with today's product vectors and recipe; norm and weight are as of `at`. What was recorded late
        counts from when it occurred. `version` and `write_id` are those of nothing stored.

        Raises
        ------
        UnknownUserError : the user had no event by then.
        """
        empty = UserEmbedding(user_id=user_id, recipe=self._recipe.id, model=self._recipe.model)
        then = _LogUntil(self._log, at)
        (state,) = FoldFromLog(then, self._vectors, self._recipe)([empty])
        if not then.had_events:
            raise UnknownUserError("user_id", f"{user_id!r} had no event by {at.isoformat()}", "ask for a later time")
        if state.as_of is None:
            return state
        elapsed_us = np.array([to_microseconds(at) - to_microseconds(state.as_of)])
        (decay,) = self._recipe.decay.factors(elapsed_us).tolist()
        return evolve(state, norm=state.norm * decay, weight=state.weight * decay, error=state.error * decay, as_of=at)


class _LogUntil:
    """The history of one user as if nothing had occurred after a time."""

    def __init__(self, log: EventLog, until: datetime) -> None:
        self._log = log
        self._until = until
        self.had_events = False

    def history(self, user_ids: Collection[str]) -> Iterator[Sequence[LoggedEvent]]:
        """As EventLog says, but what is retracted, at whatever time, comes last: its retraction has been seen then."""
        later: set[int] = set()
        retracted: list[LoggedEvent] = []
        for page in self._log.history(user_ids):
            then: list[LoggedEvent] = []
            for logged in page:
                if logged.event.occurred_at > self._until:
                    later |= {logged.position} if isinstance(logged.event, Retraction) else set()
                elif logged.retracted_by is not None:
                    retracted.append(logged)
                else:
                    then.append(logged)
            self.had_events = self.had_events or bool(then)
            yield then
        self.had_events = self.had_events or bool(retracted)
        yield [evolve(logged, retracted_by=None) if logged.retracted_by in later else logged for logged in retracted]
