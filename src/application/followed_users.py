"""What the points of users are made from: their stored embeddings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from application.follow import Stamp
from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from application.ports.vector_index import Point
from domain.interaction import LoggedEvent
from domain.recent_products import RECENT_EVENTS, recent_products
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""When a state was written that cannot be read."""


class FollowedUsers:
    """States, marked by the `write_id` that is new with every write."""

    def __init__(self, store: UserEmbeddingStore, log: EventLog, recipe: Recipe) -> None:
        self._store = store
        self._log = log
        self._recipe = recipe

    def read(self, ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        return self._store.read(ids)

    def mark(self, row: UserEmbedding) -> str:
        return str(row.write_id)

    def points(self, rows: Sequence[UserEmbedding]) -> Sequence[Point]:
        with_vector = [state for state in rows if self._has_vector(state)]
        events = self._events(with_vector)
        return [self._point(state, events[state.user_id]) for state in with_vector]

    def stamps(self, page: int) -> Iterator[Sequence[Stamp]]:
        after: str | None = None
        while user_ids := self._store.user_ids(after, page):
            after = user_ids[-1]
            yield [self._stamp(state) for state in self._store.read(user_ids).values()]

    def gone(self, ids: Collection[str]) -> Collection[str]:
        return set(ids) - self._store.read(ids).keys()

    def _stamp(self, state: UserEmbedding) -> Stamp:
        written_at = state.last_updated if state.last_updated is not None else LONG_AGO
        return Stamp(id=state.user_id, mark=self.mark(state), written_at=written_at)

    def _has_vector(self, state: UserEmbedding) -> bool:
        """Whether it has one in the space of our model; the weights and the decay may be those of an older recipe."""
        return self._recipe.compares_with(state.model, state.embedding)

    def _events(self, states: Sequence[UserEmbedding]) -> Mapping[str, Sequence[LoggedEvent]]:
        """The last events of each up to the last one that is applied: what is recorded later changes nothing."""
        events: dict[str, list[LoggedEvent]] = {state.user_id: [] for state in states}
        up_to = {state.user_id: state.applied.position for state in states}
        for page in self._log.last_events(up_to, RECENT_EVENTS) if up_to else ():
            for logged in page:
                events[logged.event.user_id].append(logged)
        return events

    def _point(self, state: UserEmbedding, events: Sequence[LoggedEvent]) -> Point:
        assert state.embedding is not None  # noqa: S101  # see _has_vector
        payload = {
            "event_count": state.event_count,
            "as_of": state.as_of.isoformat() if state.as_of is not None else None,
            "last_products": recent_products(events, state.applied),
        }
        return Point(id=state.user_id, vector=state.embedding, mark=self.mark(state), payload=payload)
