"""Compare-and-set on user embeddings: read, compute, write, and all of it again when another writer was first."""

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import evolve

from application.active_recipe import check_recipe
from application.ports.queues import WORK_QUEUE
from application.ports.registry import Registry
from application.ports.system import Clock, Ids, Metrics
from application.ports.tracer import NO_TRACER, Tracer
from application.ports.user_embedding_store import StateWrite, UserEmbeddingStore
from domain.errors import LostRaceError
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding

Compute = Callable[[Mapping[str, UserEmbedding]], Sequence[UserEmbedding]]
"""From the stored states of some users to the changed states. Called anew, on a fresh read, after each lost race."""

ATTEMPTS = 100


class StateWriter:
    """The one way in which a stored state changes."""

    def __init__(
        self,
        store: UserEmbeddingStore,
        registry: Registry,
        recipe: Recipe,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._store = store
        self._registry = registry
        self._recipe = recipe
        self._clock = clock
        self._ids = ids
        self._metrics = metrics
        self._tracer = tracer

    def __call__(
        self,
        user_ids: Collection[str],
        compute: Compute,
        on_lost: Callable[[int], None] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Mapping[str, UserEmbedding]:
        """Change the states of `user_ids` as `compute` says; return them as they are stored in the end.

        `on_lost` is told, for each write that lost a race, how many of its states were not written.

        Raises
        ------
        RecipeMismatchError : another recipe has been made active; nothing was written.
        LostRaceError : other writers were first, `attempts` times in a row.
        TransientError : the store is out of reach.
        """
        for _ in range(attempts):
            stored = self._store.read(user_ids)
            changed = [self._stamped(state) for state in compute(stored)]
            if not changed:
                return stored
            check_recipe(self._registry, self._recipe)
            with self._tracer.span("write", users=len(changed)) as span:
                lost = self._store.write([_write(state, stored.get(state.user_id)) for state in changed])
                span.note(races_lost=lost)
            if not lost:
                return {**stored, **{state.user_id: state for state in changed}}
            self._metrics.count("penchant_write_races_lost_total", lost, queue=WORK_QUEUE)
            if on_lost is not None:
                on_lost(lost)
        raise LostRaceError(f"Other writers were first {attempts} times in a row; deliver these events again.")

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        """The states as they are stored now."""
        return self._store.read(user_ids)

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        """As UserEmbeddingStore says."""
        return self._store.user_ids(after, limit)

    def is_ours(self, state: UserEmbedding) -> bool:
        """Whether the state is of the recipe that this process is configured for."""
        return state.is_of(self._recipe)

    def empty(self, user_id: str, stored: UserEmbedding | None) -> UserEmbedding:
        """The empty state of a user, to start from. It goes on with the version of the stored state."""
        version = stored.version if stored is not None else 0
        return UserEmbedding(user_id=user_id, recipe=self._recipe.id, model=self._recipe.model, version=version)

    def _stamped(self, state: UserEmbedding) -> UserEmbedding:
        return evolve(state, version=state.version + 1, write_id=self._ids.new(), last_updated=self._clock.now())


def _write(state: UserEmbedding, stored: UserEmbedding | None) -> StateWrite:
    return StateWrite(state=state, expected=stored.write_id if stored is not None else None)
