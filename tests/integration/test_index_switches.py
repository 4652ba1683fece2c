"""Switches of the index: switched on late, on what is there already, and to another embedding model."""

from collections.abc import Iterator, Mapping, Set
from contextlib import closing

import pytest
from attrs import evolve

from application.active_recipe import ACTIVE_RECIPE
from application.change_recipe import CHANGE_UNDER_WAY
from domain.errors import NotSetUpError
from tests.integration.index_production import INDEX, PRODUCTS, USERS, IndexProduction
from tests.integration.journeys import Journeys, journeys
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import production_in
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.openai_stub import OpenaiStub
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

JOURNEY = journeys("before", 100, users=10)
LARGE = {"OPENAI_EMBEDDING_MODEL": "text-embedding-3-large"}


@pytest.fixture(scope="module", name="shop")
def production_without_index(
    tmp_path_factory: pytest.TempPathFactory,
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    openai_server: OpenaiStub,
    qdrant_server: QdrantServer,
) -> Iterator[IndexProduction]:
    """One that has users and products, and where QDRANT_URL has just been set, for the first time."""
    folder = tmp_path_factory.mktemp("switches")
    servers = (mysql_server, rabbitmq_server, mongodb_server, redis_server, openai_server)
    qdrant_server.start()
    with qdrant_server.space() as url, production_in(folder, *servers) as production:
        IndexProduction(base=production, qdrant=qdrant_server).stock(JOURNEY.products)
        production.record(JOURNEY.messages)
        production.finish(JOURNEY.counts)
        base = evolve(production, variables={**production.variables, "QDRANT_URL": url})
        yield IndexProduction(base=base, qdrant=qdrant_server)
        base.assert_discreet()


@pytest.fixture(scope="module", name="indexed")
def index_switched_on(shop: IndexProduction) -> Journeys:
    """What was there when the index was switched on, and is in it now."""
    shop.base.ok("setup")
    shop.base.ok("catch-up", "--queue", "qdrant")
    return JOURNEY


def test_where_nothing_is_set_up_a_worker_makes_nothing_and_says_what_to_run(shop: IndexProduction) -> None:
    with shop.base.container() as container, pytest.raises(NotSetUpError, match="Run `penchant setup`"):
        container.index_schema().prepare()

    assert _live(shop) == {}


def test_what_was_there_before_the_index_is_brought_by_setup_worker_and_catch_up(shop: IndexProduction) -> None:
    shop.base.ok("setup")
    with shop.worker(INDEX):
        shop.base.ok("catch-up", "--queue", "qdrant", "--older-than", "0")

    assert shop.wrong(JOURNEY.users) == []
    assert shop.points(PRODUCTS).keys() >= JOURNEY.products
    shop.base.ok("verify", "--queue", "qdrant")


def test_another_model_has_collections_of_its_own_which_are_searched_once_all_is_in_them(
    shop: IndexProduction, indexed: Journeys
) -> None:
    before, found_before = _live(shop), _found(shop)
    with shop.worker("all") as old:
        _begin_to_change(shop)
        shop.stock(["the-first-p"], **LARGE)
        assert old.wait() == 0
        assert old.journal("consumer_waits") == []
    with shop.worker("all", **LARGE):
        wait_until(lambda: "the-first-p" in _outside(shop, before), DEADLINE_SECONDS, "the new collections")
        shop.base.ok("catch-up", "--queue", "qdrant", **LARGE)
    assert (_live(shop), _found(shop)) == (before, found_before)

    shop.base.ok("recipe", "set", **LARGE)
    with shop.worker("all", **LARGE):
        wait_until(lambda: set(_live(shop).values()).isdisjoint(before.values()), DEADLINE_SECONDS, "the switch")

    with closing(shop.qdrant.connect()) as client:
        assert {found.name for found in client.get_collections().collections} == set(_live(shop).values())
    assert shop.wrong(indexed.users) == []
    assert _found(shop) == (indexed.users, indexed.products | {"the-first-p"})
    shop.base.ok("verify", "--queue", "all", **LARGE)


def _begin_to_change(shop: IndexProduction) -> None:
    """What `recipe set` does first; the process that does it ends right then."""
    with shop.base.container(**LARGE) as container:
        container.registry().set(CHANGE_UNDER_WAY, container.registry().get(ACTIVE_RECIPE))
        container.registry().set(ACTIVE_RECIPE, container.recipe().as_json())


def _live(shop: IndexProduction) -> Mapping[str, str]:
    with closing(shop.qdrant.connect()) as client:
        return {found.alias_name: found.collection_name for found in client.get_aliases().aliases}


def _found(shop: IndexProduction) -> tuple[Set[str], Set[str]]:
    """The users and products that searches find."""
    return shop.points(USERS).keys(), shop.points(PRODUCTS).keys()


def _outside(shop: IndexProduction, live: Mapping[str, str]) -> Set[str]:
    """The products in collections that are not searched."""
    with closing(shop.qdrant.connect()) as client:
        names = {found.name for found in client.get_collections().collections} - set(live.values())
    return {id_ for name in names if name.startswith(PRODUCTS) for id_ in shop.points(name)}
