"""Where candidates come from, beside popularity."""

from collections.abc import Sequence

from application.ports.co_purchases import CoPurchases
from application.ports.product_search import ProductSearch
from application.ports.system import Clock
from application.shopper import Shopper, Wanted
from domain.blend import BASKET, Blend

AMONG = 1_000
"""So many of what others have bought are asked for where only some are wanted."""


class NearestProducts:
    """The products nearest to what the user is into now."""

    def __init__(self, search: ProductSearch) -> None:
        self._search = search

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        embedding = shopper.state.embedding if shopper.state is not None else None
        if embedding is None:
            return []
        [found] = self._search.nearest(embedding[None, :], wanted.limit, without=wanted.without, among=wanted.among)
        return [product.product_id for product in found]


class BoughtWith:
    """What those have bought who bought what the user bought last."""

    def __init__(self, co_purchases: CoPurchases, blend: Blend, clock: Clock) -> None:
        self._co_purchases = co_purchases
        self._decay = blend.bought_with
        self._clock = clock

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        basket = shopper.bought[:BASKET]
        if not basket:
            return []
        limit = wanted.limit + len(wanted.without) if wanted.among is None else AMONG
        return wanted.of(self._co_purchases.bought_with(basket, self._clock.now(), self._decay, limit))
