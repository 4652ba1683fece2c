"""The index of vectors: how it follows what is stored."""

from functools import partial

from dependency_injector import containers, providers

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

LOOK_SECONDS = 1.0
BUILD_SECONDS = 15.0
"""How often a worker looks whether the catalogue has changed, and whether its collections are those that are live."""


class Index(containers.DeclarativeContainer):
    """Users and products, each with points of their own; `index_schema` is what there must be in Qdrant."""

    qdrant = providers.Resource(production.qdrant, Parts.settings)
    index_schema = providers.Singleton(production.qdrant_schema, qdrant, Parts.model, Parts.dimensions)
    indexed_users = providers.Singleton(production.qdrant_users, qdrant, Parts.model, Parts.dimensions)
    indexed_products = providers.Singleton(production.qdrant_products, qdrant, Parts.model, Parts.dimensions)
    index_search = providers.Singleton(production.qdrant_product_search, qdrant, Parts.model, Parts.dimensions)

    followed_users = providers.Singleton(FollowedUsers, Parts.store, Parts.event_log, Parts.recipe)
    followed_products = providers.Singleton(FollowedProducts, Parts.catalogue, Parts.recipe)
    follow_users = providers.Singleton(Follow, indexed_users, followed_users)
    follow_products = providers.Singleton(Follow, indexed_products, followed_products)
    recipe_check = providers.Singleton(partial, check_recipe, Parts.registry, Parts.recipe)
    sweep_users = providers.Singleton(Sweep, indexed_users, followed_users, follow_users, recipe_check)
    sweep_products = providers.Singleton(Sweep, indexed_products, followed_products, follow_products, recipe_check)

    follow_embeddings = providers.Singleton(
        FollowEmbeddings,
        follow=follow_users,
        store=Parts.store,
        log=Parts.event_log,
        catalogue=Parts.catalogue,
        dead_letters=Parts.dead_letters,
        registry=Parts.registry,
        recipe=Parts.recipe,
        clock=Parts.clock,
        stop=Parts.stop,
    )
    rebuild_index = providers.Singleton(RebuildIndex, follow_users, sweep_users, sweep_products)
    catch_up_index = providers.Singleton(
        CatchUpIndex,
        products=sweep_products,
        users=sweep_users,
        generation=index_schema,
        registry=Parts.registry,
        clock=Parts.clock,
        metrics=Parts.metrics,
        journal=Parts.journal,
        queue=INDEX_QUEUE,
    )
    verify_indexed_users = providers.Singleton(VerifyPoints, indexed_users, followed_users)
    verify_indexed_products = providers.Singleton(VerifyPoints, indexed_products, followed_products)
    index_proofs = providers.List(
        providers.Singleton(
            Proof,
            verify=verify_indexed_users,
            strays=verify_indexed_users.provided.strays,
            name="qdrant",
            queue="qdrant",
            kept="point",
            source="the stored embedding",
        ),
        providers.Singleton(
            Proof,
            verify=verify_indexed_products,
            strays=verify_indexed_products.provided.strays,
            name="qdrant_products",
            queue="qdrant",
            kept="point",
            of="product",
            source="the catalogue",
        ),
    )
    index_chores = providers.List(
        providers.Singleton(
            Chore,
            name="following the catalogue",
            every_seconds=LOOK_SECONDS,
            begin=providers.Singleton(FollowCatalogue, Parts.catalogue, sweep_products),
        ),
        providers.Singleton(
            Chore, name="building the index", every_seconds=BUILD_SECONDS, begin=catch_up_index.provided.build
        ),
    )
