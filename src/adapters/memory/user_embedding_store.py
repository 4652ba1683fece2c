"""User embeddings in a dict."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock

import numpy as np

from application.ports.user_embedding_store import StateWrite
from domain.user_embedding import UserEmbedding
from domain.vectors import Matrix


class MemoryUserEmbeddingStore:
    """Compare-and-set under a lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.states: dict[str, UserEmbedding] = {}

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        with self._lock:
            return {user_id: self.states[user_id] for user_id in user_ids if user_id in self.states}

    def write(self, writes: Sequence[StateWrite]) -> int:
        lost = 0
        with self._lock:
            for write in writes:
                stored = self.states.get(write.state.user_id)
                if (stored.write_id if stored is not None else None) == write.expected:
                    self.states[write.state.user_id] = write.state
                else:
                    lost += 1
        return lost

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(user_id for user_id in self.states if after is None or user_id > after)[:limit]

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        with self._lock:
            found = [(s.user_id, s.embedding) for s in self.states.values() if s.embedding is not None]
        for start in range(0, len(found), page):
            some = found[start : start + page]
            yield [user_id for user_id, _ in some], np.stack([embedding for _, embedding in some])

    def count(self) -> int:
        return len(self.states)
