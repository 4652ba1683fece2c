"""Where candidates come from, beside popularity."""

from collections.abc import Sequence

from application.ports.co_purchases import CoPurchases
from application.ports.product_search import ProductSearch
from application.shopper import Shopper, Wanted

DEPTH = 1_000
"""So many of what others have bought are asked for, since some may not be wanted."""
BASKET = 20
"""So many of the products that a user bought last say what others have bought with them."""


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

    def __init__(self, co_purchases: CoPurchases) -> None:
        self._co_purchases = co_purchases

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        basket = list(dict.fromkeys(e.product_id for e in shopper.interactions if e.product_id in shopper.bought))
        last = [product_id for product_id in basket[:BASKET] if product_id is not None]
        return wanted.of(self._co_purchases.bought_with(last, DEPTH)) if last else []
