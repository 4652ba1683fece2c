from collections.abc import Callable
from typing import Any

from application.stats import Stats
from tests.builders import products, retraction, searched, viewed
from tests.interleaving import Actor
from tests.shop import Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def test_an_empty_shop_has_only_its_products(shop: Shop) -> None:
    assert shop.stats() == Stats(
        events=0,
        users=0,
        user_embeddings=0,
        products=2,
        outbox=0,
        waiting_events=0,
        waiting_products=0,
        waiting_product_ids=(),
        product_changes=0,
        dead_letters=0,
    )


def test_everything_is_counted(shop: Shop) -> None:
    shop.embedder.refused = {"forbidden"}
    shop.apply(viewed("m1"), viewed("m2", "pot"), viewed("m3", "pot"), viewed("m4", "tin"), retraction("m5", "m4"))
    shop.apply(searched("m6", "forbidden"), viewed("b1", "pot", user_id="bob"))
    shop.record(viewed("c1", user_id="cid"))

    assert shop.stats() == Stats(
        events=8,
        users=3,
        user_embeddings=2,
        products=2,
        outbox=1,
        waiting_events=3,
        waiting_products=1,
        waiting_product_ids=("pot",),
        product_changes=0,
        dead_letters=1,
    )


def test_a_product_change_under_way_is_counted(shop: Shop, another: Another) -> None:
    change = another(lambda it: it.import_products(products(tea="black tea")))
    change.run_to("MemoryProductCatalogue.put")

    assert shop.stats().product_changes == 1
