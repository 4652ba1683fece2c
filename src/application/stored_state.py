"""The stored state of one user, for those who cannot do without."""

from application.ports.event_log import EventLog
from application.ports.user_embedding_store import UserEmbeddingStore
from domain.errors import NotAppliedYetError, TransientError, UnknownUserError
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding


def require_state(store: UserEmbeddingStore, log: EventLog, user_id: str, recipe: Recipe) -> UserEmbedding:
    """The stored state of a user.

    Raises
    ------
    NotAppliedYetError : there is none, but events of the user are in the log.
    UnknownUserError : there is none, and no event.
    TransientError : the stored one is of another recipe, or cannot be read.
    """
    state = store.read([user_id]).get(user_id)
    if state is None:
        if count := log.heads_of([user_id]).get(user_id, 0):
            problem = f"{user_id!r} has {count:,} events that are recorded and on their way, not applied yet"
            raise NotAppliedYetError("user_id", problem, "ask again in a moment")
        raise UnknownUserError("user_id", f"{user_id!r} is not known", "record an event of this user, or check the id")
    if not state.is_of(recipe):
        text = f"{user_id!r} has a stored state of another recipe, or one that cannot be read; "
        raise TransientError(text + f"workers mend it, and so does: penchant rebuild --user {user_id}")
    return state
