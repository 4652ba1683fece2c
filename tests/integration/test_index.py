"""The consumer of the index, as a process on real servers: it follows the embeddings, and is hurt by nobody."""

import json
from collections.abc import Iterable

from tests.integration.index_production import (
    EMBEDDINGS,
    INDEX,
    PRODUCTS,
    IndexProduction,
    index_production,  # noqa: F401  pytest finds the fixture here
)
from tests.integration.journeys import journeys
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.services.waiting import wait_until


def _stock(shop: IndexProduction, products: Iterable[str]) -> None:
    lines = [json.dumps({"product_id": product, "text": f"a mug, {product}"}) for product in products]
    shop.base.ok("products", "import", "-", stdin="\n".join(lines))


def test_states_become_points_and_the_catalogue_is_there_too(shop: IndexProduction) -> None:
    journey = journeys("first", 200)

    with shop.worker(INDEX), shop.worker(EMBEDDINGS):
        _stock(shop, journey.products)
        shop.base.record(journey.messages)
        shop.base.wait_until_counted(journey.counts)
        shop.wait_until_followed(journey.users)
        wait_until(
            lambda: journey.products <= shop.points(PRODUCTS).keys(), DEADLINE_SECONDS, "the products to be points"
        )

    shop.base.ok("verify", "--queue", "qdrant")
