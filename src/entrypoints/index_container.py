"""The index of vectors: how it follows what is stored."""

from functools import partial

from dependency_injector import providers

from application.active_recipe import check_recipe
from application.catch_up_index import CatchUpIndex
from application.chores import Chore
from application.follow import Follow
from application.follow_catalogue import FollowCatalogue
from application.follow_embeddings import FollowEmbeddings
from application.followed_products import FollowedProducts
from application.followed_users import FollowedUsers
from application.ports.queues import INDEX_QUEUE
from application.rebuild_index import RebuildIndex
from application.sweep import Sweep
from application.verify_points import VerifyPoints
from entrypoints import production
from entrypoints.parts_container import Parts
from entrypoints.proofs import Proof
from entrypoints.settings import Settings

LOOK_SECONDS = 1.0
BUILD_SECONDS = 15.0
"""How often a worker looks whether the catalogue has changed, and whether its collections are those that are live."""


class Index(Parts):
    """Users and products, each with points of their own; `index_schema` is what there must be in Qdrant."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.qdrant = providers.Resource(production.qdrant, self.settings)
        self.index_schema = providers.Singleton(production.qdrant_schema, self.qdrant, self.model, self.dimensions)
        self.indexed_users = providers.Singleton(production.qdrant_users, self.qdrant, self.model, self.dimensions)
        self.indexed_products = providers.Singleton(
            production.qdrant_products, self.qdrant, self.model, self.dimensions
        )
        self.index_search = providers.Singleton(
            production.qdrant_product_search, self.qdrant, self.model, self.dimensions
        )

        self.followed_users = providers.Singleton(FollowedUsers, self.store, self.event_log, self.recipe)
        self.followed_products = providers.Singleton(FollowedProducts, self.catalogue, self.recipe)
        self.follow_users = providers.Singleton(Follow, self.indexed_users, self.followed_users)
        self.follow_products = providers.Singleton(Follow, self.indexed_products, self.followed_products)
        self.recipe_check = providers.Singleton(partial, check_recipe, self.registry, self.recipe)
        self.sweep_users = providers.Singleton(
            Sweep, self.indexed_users, self.followed_users, self.follow_users, self.recipe_check
        )
        self.sweep_products = providers.Singleton(
            Sweep, self.indexed_products, self.followed_products, self.follow_products, self.recipe_check
        )

        self.follow_embeddings = providers.Singleton(
            FollowEmbeddings,
            follow=self.follow_users,
            store=self.store,
            log=self.event_log,
            catalogue=self.catalogue,
            dead_letters=self.dead_letters,
            registry=self.registry,
            recipe=self.recipe,
            clock=self.clock,
            stop=self.stop,
        )
        self.rebuild_index = providers.Singleton(RebuildIndex, self.follow_users, self.sweep_users, self.sweep_products)
        self.catch_up_index = providers.Singleton(
            CatchUpIndex,
            products=self.sweep_products,
            users=self.sweep_users,
            generation=self.index_schema,
            registry=self.registry,
            clock=self.clock,
            metrics=self.metrics,
            journal=self.journal,
            queue=INDEX_QUEUE,
        )
        self.verify_indexed_users = providers.Singleton(VerifyPoints, self.indexed_users, self.followed_users)
        self.verify_indexed_products = providers.Singleton(VerifyPoints, self.indexed_products, self.followed_products)
        self.index_proofs = providers.List(
            providers.Singleton(
                Proof,
                verify=self.verify_indexed_users,
                strays=self.verify_indexed_users.provided.strays,
                name="qdrant",
                queue="qdrant",
                kept="point",
                source="the stored embedding",
            ),
            providers.Singleton(
                Proof,
                verify=self.verify_indexed_products,
                strays=self.verify_indexed_products.provided.strays,
                name="qdrant_products",
                queue="qdrant",
                kept="point",
                of="product",
                source="the catalogue",
            ),
        )
        self.index_chores = providers.List(
            providers.Singleton(
                Chore,
                name="following the catalogue",
                every_seconds=LOOK_SECONDS,
                begin=providers.Singleton(FollowCatalogue, self.catalogue, self.sweep_products),
            ),
            providers.Singleton(
                Chore, name="building the index", every_seconds=BUILD_SECONDS, begin=self.catch_up_index.provided.build
            ),
        )
