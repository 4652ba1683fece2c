"""The store of user embeddings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from domain.user_embedding import UserEmbedding
from domain.vectors import Matrix


@frozen(kw_only=True)
class StateWrite:
    """A new state, and the `write_id` that the stored one must have; None where nothing must be stored yet."""

    state: UserEmbedding
    expected: str | None


class UserEmbeddingStore(Protocol):
    """One state a user, changed by compare-and-set only. All calls raise TransientError when it cannot be reached."""

    def read(self, user_ids: Collection[str]) -> Mapping[str, UserEmbedding]:
        """The states of these users; users without one are left out.

        A stored state that makes no sense is returned as a state of a recipe that nobody has, with its `write_id`, so
        that it is rebuilt and replaced by the ordinary compare-and-set. It never keeps others from being read.
        """

    def write(self, writes: Sequence[StateWrite]) -> int:
        """Write each state whose `expected` matches what is stored; return how many did not match.

        It does not tell which: after a return above 0 some of the others are written, and the caller starts again from
        the read.
        """

    def user_ids(self, after: str | None, limit: int) -> Sequence[str]:
        """The next `limit` users with a state after `after`, in the store's own order of ids."""

    def embeddings(self, page: int) -> Iterator[tuple[Sequence[str], Matrix]]:
        """All users that have an embedding, up to `page` at a time: ids, and a matrix of shape (page, d), float32."""

    def count(self) -> int:
        """How many users have a state."""
