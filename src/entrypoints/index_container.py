"""The index of vectors: how it follows what is stored."""

from functools import partial
from typing import Any

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
from entrypoints.proofs import Proof

LOOK_SECONDS = 1.0
BUILD_SECONDS = 15.0
"""How often a worker looks whether the catalogue has changed, and whether its collections are those that are live."""


class IndexContainer(containers.DeclarativeContainer):
    """Users and products, each with points of their own; `schema` is what there must be in Qdrant."""

    settings: providers.Dependency[Any] = providers.Dependency()
    store: providers.Dependency[Any] = providers.Dependency()
    catalogue: providers.Dependency[Any] = providers.Dependency()
    event_log: providers.Dependency[Any] = providers.Dependency()
    dead_letters: providers.Dependency[Any] = providers.Dependency()
    registry: providers.Dependency[Any] = providers.Dependency()
    recipe: providers.Dependency[Any] = providers.Dependency()
    model: providers.Dependency[Any] = providers.Dependency()
    dimensions: providers.Dependency[Any] = providers.Dependency()
    clock: providers.Dependency[Any] = providers.Dependency()
    metrics: providers.Dependency[Any] = providers.Dependency()
    journal: providers.Dependency[Any] = providers.Dependency()
    stop: providers.Dependency[Any] = providers.Dependency()

    qdrant = providers.Resource(production.qdrant, settings)
    schema = providers.Singleton(production.qdrant_schema, qdrant, model, dimensions)
    users = providers.Singleton(production.qdrant_users, qdrant, model, dimensions)
    products = providers.Singleton(production.qdrant_products, qdrant, model, dimensions)
    product_search = providers.Singleton(production.qdrant_product_search, qdrant, model, dimensions)

    followed_users = providers.Singleton(FollowedUsers, store, event_log, recipe)
    followed_products = providers.Singleton(FollowedProducts, catalogue, recipe)
    follow_users = providers.Singleton(Follow, users, followed_users)
    follow_products = providers.Singleton(Follow, products, followed_products)
    check = providers.Singleton(partial, check_recipe, registry, recipe)
    sweep_users = providers.Singleton(Sweep, users, followed_users, follow_users, check)
    sweep_products = providers.Singleton(Sweep, products, followed_products, follow_products, check)

    apply = providers.Singleton(
        FollowEmbeddings,
        follow=follow_users,
        store=store,
        log=event_log,
        catalogue=catalogue,
        dead_letters=dead_letters,
        registry=registry,
        recipe=recipe,
        clock=clock,
        stop=stop,
    )
    rebuild = providers.Singleton(RebuildIndex, follow_users, sweep_users, sweep_products)
    catch_up = providers.Singleton(
        CatchUpIndex,
        products=sweep_products,
        users=sweep_users,
        generation=schema,
        registry=registry,
        clock=clock,
        metrics=metrics,
        journal=journal,
        queue=INDEX_QUEUE,
    )
    verify_users = providers.Singleton(VerifyPoints, users, followed_users)
    verify_products = providers.Singleton(VerifyPoints, products, followed_products)
    proofs = providers.List(
        providers.Singleton(
            Proof,
            verify=verify_users,
            strays=verify_users.provided.strays,
            name="qdrant",
            queue="qdrant",
            kept="point",
            source="the stored embedding",
        ),
        providers.Singleton(
            Proof,
            verify=verify_products,
            strays=verify_products.provided.strays,
            name="qdrant_products",
            queue="qdrant",
            kept="point",
            of="product",
            source="the catalogue",
        ),
    )
    chores = providers.List(
        providers.Singleton(
            Chore,
            name="following the catalogue",
            every_seconds=LOOK_SECONDS,
            begin=providers.Singleton(FollowCatalogue, catalogue, sweep_products),
        ),
        providers.Singleton(
            Chore, name="building the index", every_seconds=BUILD_SECONDS, begin=catch_up.provided.build
        ),
    )
