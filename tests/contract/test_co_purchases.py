"""What every reader of co-purchases promises."""

import pytest

from application.ports.co_purchases import CoPurchases
from application.ports.projection import InteractionGraph
from domain.applied_positions import AppliedPositions
from domain.interaction import Interaction
from tests.builders import ODD_TEXTS, viewed
from tests.builders import bought as purchase

Bought = tuple[InteractionGraph, CoPurchases]


def _buy(graph: InteractionGraph, **baskets: str) -> None:
    events = [
        purchase(f"{user_id}-{number}", product_id, user_id)
        for user_id, basket in baskets.items()
        for number, product_id in enumerate(basket.split())
    ]
    _put(graph, *events)


def _put(graph: InteractionGraph, *events: Interaction) -> None:
    users = sorted({event.user_id for event in events})
    with graph.transaction() as transaction:
        transaction.lock(users)
        transaction.add(events)
        transaction.mark(dict.fromkeys(users, AppliedPositions(len(events))))


def test_what_most_of_the_buyers_have_bought_as_well_comes_first(bought: Bought) -> None:
    graph, co_purchases = bought
    _buy(graph, ann="tea", ben="tea mug pot", cat="tea mug", dan="hat")

    assert co_purchases.bought_with(["tea"], 10) == ["mug", "pot"]
    assert co_purchases.bought_with(["tea"], 1) == ["mug"]


def test_what_everybody_buys_says_less(bought: Bought) -> None:
    graph, co_purchases = bought
    _buy(graph, ann="tea mug bag", ben="tea mug bag", cat="bag", dan="bag", eve="bag", fay="bag")

    assert co_purchases.bought_with(["tea"], 10) == ["mug", "bag"]


def test_several_products_add_up_and_none_of_them_comes_back(bought: Bought) -> None:
    graph, co_purchases = bought
    _buy(graph, ann="tea pot", ben="mug pot", cat="tea mug hat")

    # pot: 1/sqrt(2 * 2) from each; hat: 1/sqrt(1 * 2) from each
    assert co_purchases.bought_with(["tea", "mug"], 10) == ["hat", "pot"]


def test_only_purchases_count(bought: Bought) -> None:
    graph, co_purchases = bought
    _put(graph, purchase("m1", "tea", "ann"), viewed("m2", "mug", "ann"), viewed("m3", "tea", "ben"))

    assert list(co_purchases.bought_with(["tea"], 10)) == []


def test_of_what_nobody_has_bought_nothing_is_known(bought: Bought) -> None:
    graph, co_purchases = bought
    _buy(graph, ann="tea mug")

    assert list(co_purchases.bought_with(["pot"], 10)) == []
    assert list(co_purchases.bought_with([], 10)) == []


@pytest.mark.parametrize("product_id", [text for text in ODD_TEXTS if "\x00" not in text], ids=ascii)
def test_ids_are_told_apart_byte_by_byte(bought: Bought, product_id: str) -> None:
    graph, co_purchases = bought
    _put(graph, *(purchase(f"m{at}", text, f"user {at}") for at, text in enumerate(ODD_TEXTS)))
    _put(graph, purchase("n1", product_id, "ann"), purchase("n2", "with it", "ann"))

    assert co_purchases.bought_with([product_id], 10) == ["with it"]
