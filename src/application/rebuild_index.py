"""Rebuilding an index: points put anew from what is stored, whatever is in it."""

from collections.abc import Callable, Sequence

from application.follow import Follow
from application.sweep import Sweep
from domain.product import ProductEmbedding
from domain.user_embedding import UserEmbedding


class RebuildIndex:
    """As RebuildUsers does for the embeddings. What is put is the stored embedding, as it is."""

    def __init__(
        self, follow: Follow[UserEmbedding], users: Sweep[UserEmbedding], products: Sweep[ProductEmbedding]
    ) -> None:
        self._follow = follow
        self._users = users
        self._products = products

    def __call__(self, user_ids: Sequence[str]) -> None:
        """Put the points of these users anew."""
        self._follow(user_ids, anew=True)

    def all(self, on_users: Callable[[int], None] = lambda _: None) -> int:
        """Put all users and products anew and remove every other point; return how many users there are."""
        for _ in self._products.anew():
            pass
        done = 0
        for swept in self._users.anew():
            done += swept.rows
            on_users(swept.rows)
        return done
