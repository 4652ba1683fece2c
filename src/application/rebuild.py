"""Rebuilding: users recomputed from the log, whatever is stored of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from application.fold_from_log import USERS_AT_ONCE, FoldFromLog
from application.ports.event_log import EventLog
from application.ports.queues import WORK_QUEUE
from application.ports.system import Metrics
from application.state_writer import StateWriter
from application.wake_followers import nobody_follows
from domain.errors import LostRaceError
from domain.user_embedding import UserEmbedding

ATTEMPTS = 3
ATTEMPTS_ALONE = 100
"""How often users are rebuilt together, and one alone, when other writers are first."""


class RebuildUsers:
    """Recomputes users, written by the same compare-and-set as any update; nobody has to stop for it.

    Parameters
    ----------
    wake : is told which users were written, for those who follow what is stored.
    """

    def __init__(
        self,
        writer: StateWriter,
        fold_from_log: FoldFromLog,
        log: EventLog,
        metrics: Metrics,
        wake: Callable[[Sequence[str]], None] = nobody_follows,
    ) -> None:
        self._wake = wake
        self._writer = writer
        self._fold_from_log = fold_from_log
        self._log = log
        self._metrics = metrics

    def __call__(self, user_ids: Sequence[str]) -> None:
        """Rebuild these users, each once."""
        users = list(dict.fromkeys(user_ids))
        for start in range(0, len(users), USERS_AT_ONCE):
            self._rebuild(users[start : start + USERS_AT_ONCE])

    def current(self, user_ids: Sequence[str]) -> None:
        """Rebuild those of these users whose state is of our recipe: any other is rebuilt on its own account."""
        for start in range(0, len(user_ids), USERS_AT_ONCE):
            stored = self._writer.read(user_ids[start : start + USERS_AT_ONCE])
            self([user_id for user_id, state in stored.items() if self._writer.is_ours(state)])

    def all(self, on_users: Callable[[int], None] | None = None) -> int:
        """Rebuild every user that is in the log or in the store and return how many; tell `on_users` of each step.

        One whom only the store knows becomes empty: a log that was set back to a backup has forgotten some.
        """
        done = 0
        for some in pages_of_everybody(self._log, self._writer):
            self(some)
            done += len(some)
            if on_users is not None:
                on_users(len(some))
        return done

    def _rebuild(self, user_ids: Sequence[str]) -> None:
        def compute(stored: Mapping[str, UserEmbedding]) -> Sequence[UserEmbedding]:
            return self._fold_from_log([self._writer.empty(user_id, stored.get(user_id)) for user_id in user_ids])

        try:
            self._writer(user_ids, compute, attempts=ATTEMPTS if len(user_ids) > 1 else ATTEMPTS_ALONE)
        except LostRaceError:
            # Somebody among them is written all the time. In ever smaller company a rebuild is quick enough to win.
            if len(user_ids) == 1:
                raise
            half = len(user_ids) // 2
            self._rebuild(user_ids[:half])
            self._rebuild(user_ids[half:])
            return
        self._wake(user_ids)
        self._metrics.count("penchant_rebuilds_total", len(user_ids), queue=WORK_QUEUE, reason="asked")


def pages_of_heads(log: EventLog) -> Iterator[Sequence[tuple[str, int]]]:
    """All users of the log with their highest position, USERS_AT_ONCE at a time."""
    after: str | None = None
    while heads := log.heads(after, USERS_AT_ONCE):
        yield heads
        after = heads[-1][0]


def pages_of_users(log: EventLog) -> Iterator[Sequence[str]]:
    """All users of the log, USERS_AT_ONCE at a time."""
    return ([user_id for user_id, _ in heads] for heads in pages_of_heads(log))


class KnowsUsers(Protocol):
    """What says which users have a state."""

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        """As UserEmbeddingStore says."""


def pages_of_everybody(log: EventLog, store: KnowsUsers) -> Iterator[Sequence[str]]:
    """Every user that is in the log or in the store, some at a time, those of the log first."""
    yield from pages_of_users(log)
    after: str | None = None
    while stored := store.user_ids(after, USERS_AT_ONCE):
        heads = log.heads_of(stored)
        if strays := [user_id for user_id in stored if user_id not in heads]:
            yield strays
        after = stored[-1]
