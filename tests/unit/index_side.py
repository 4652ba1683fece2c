"""A shop, an index in memory that follows it, and everything that works between them."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from attrs import define, evolve, field

from adapters.memory.system import ManualStop, RememberedJournal
from adapters.memory.vector_index import MemoryGeneration, MemoryVectorIndex, Searched
from application.active_recipe import check_recipe
from application.catch_up_index import CatchUpIndex
from application.follow import Follow
from application.follow_catalogue import FollowCatalogue
from application.follow_embeddings import FollowEmbeddings
from application.followed_products import FollowedProducts
from application.followed_users import FollowedUsers
from application.ports.queues import INDEX_QUEUE
from application.ports.vector_index import Point
from application.rebuild_index import RebuildIndex
from application.sweep import Sweep
from application.update import UpdateReport
from application.verify_points import VerifyPoints
from domain.interaction import LoggedEvent
from tests.builders import deliveries
from tests.shop import DIMENSIONS, Shop


class CountingIndex(MemoryVectorIndex):
    """Counts how many points were put."""

    puts = 0

    def put(self, points: Sequence[Point]) -> None:
        self.puts += len(points)
        super().put(points)


@define(kw_only=True, eq=False, slots=False)
class IndexStorage:
    """What outlives a process of the index."""

    users: "CountingIndex" = field(factory=lambda: CountingIndex(DIMENSIONS))
    products: MemoryVectorIndex = field(factory=lambda: MemoryVectorIndex(DIMENSIONS))
    searched: Searched = field(factory=Searched)

    @property
    def generation(self) -> MemoryGeneration:
        """What says whether searches find it."""
        return MemoryGeneration(self.both, self.searched)

    @cached_property
    def both(self) -> Sequence[MemoryVectorIndex]:
        """The indexes of users and of products."""
        return (self.users, self.products)


class IndexSide:
    """One process of the index's consumer. `through` may put something between it and its ports."""

    def __init__(
        self,
        shop: Shop,
        storage: IndexStorage | None = None,
        through: Callable[[Any], Any] = lambda port: port,
        stop: Any = None,
    ) -> None:
        self.shop = shop
        self.storage = storage = storage if storage is not None else IndexStorage()
        self.journal = RememberedJournal()
        self.stop = stop if stop is not None else ManualStop(shop.storage.clock)
        users, products = through(storage.users), through(storage.products)
        followed_users = FollowedUsers(shop.store, shop.log, shop.recipe)
        followed_products = FollowedProducts(shop.catalogue, shop.recipe)
        self.follow = Follow(users, followed_users)
        check = partial(check_recipe, shop.registry, shop.recipe)
        sweep_users = Sweep(users, followed_users, self.follow, check)
        sweep_products = Sweep(products, followed_products, Follow(products, followed_products), check)
        self.apply = FollowEmbeddings(
            follow=self.follow,
            store=shop.store,
            log=shop.log,
            catalogue=shop.catalogue,
            dead_letters=shop.dead_letters,
            registry=shop.registry,
            recipe=shop.recipe,
            clock=shop.clock,
            stop=self.stop,
        )
        self.catch_up = CatchUpIndex(
            products=sweep_products,
            users=sweep_users,
            generation=storage.generation,
            registry=shop.registry,
            clock=shop.clock,
            metrics=shop.metrics,
            journal=self.journal,
            queue=INDEX_QUEUE,
        )
        self.rebuild = RebuildIndex(self.follow, sweep_users, sweep_products)
        self.follow_catalogue = FollowCatalogue(shop.catalogue, sweep_products)
        self.verify_users = VerifyPoints(users, followed_users)
        self.verify_products = VerifyPoints(products, followed_products)

    def deliver(self, *message_ids: str) -> UpdateReport:
        """Deliver these events in one batch."""
        return self.apply(deliveries(*map(self.logged, message_ids)))

    def logged(self, message_id: str) -> LoggedEvent:
        """An event as the log holds it."""
        return self.shop.storage.log.find([message_id])[message_id]

    def point(self, user_id: str = "ann") -> Point | None:
        """The point of a user."""
        return self.storage.users.read([user_id]).get(user_id)

    def wrong(self) -> Iterator[str]:
        """What is wrong in the index, found without any code of those who follow."""
        states = self.shop.storage.store.states
        with_vector = {user_id for user_id, state in states.items() if state.embedding is not None}
        yield from (f"{user_id} has a point" for user_id in self.storage.users.points.keys() - with_vector)
        for user_id in with_vector:
            point, state = self.storage.users.read([user_id]).get(user_id), states[user_id]
            if point is None:
                yield f"{user_id} has no point"
            elif point.mark != state.write_id or not np.array_equal(point.vector, state.embedding):
                yield f"{user_id} has an old point"

    def damage(self, user_id: str, **fields: Any) -> None:
        """Change the point of a user behind everybody's back."""
        point = self.point(user_id)
        assert point is not None
        self.storage.users.put([evolve(point, **fields)])
