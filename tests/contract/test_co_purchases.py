"""What every reader of co-purchases promises."""

import pytest

from application.ports.co_purchases import BUYERS, CoPurchases
from application.ports.projection import InteractionGraph
from domain.applied_positions import AppliedPositions
from domain.decay import Decay
from domain.interaction import Interaction
from tests.builders import NOW, ODD_TEXTS, viewed
from tests.builders import bought as purchase

Bought = tuple[InteractionGraph, CoPurchases]
NO_DECAY = Decay(rate_per_day=0.0)


def _bought_with(bought: Bought, *product_ids: str, decay: Decay = NO_DECAY, limit: int = 10) -> list[str]:
    return list(bought[1].bought_with(product_ids, NOW, decay, limit))


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
    graph, _ = bought
    _buy(graph, ann="tea", ben="tea mug pot", cat="tea mug", dan="hat")

    assert _bought_with(bought, "tea") == ["mug", "pot"]
    assert _bought_with(bought, "tea", limit=1) == ["mug"]


def test_what_everybody_buys_says_less(bought: Bought) -> None:
    graph, _ = bought
    _buy(graph, ann="tea mug bag", ben="tea mug bag", cat="bag", dan="bag", eve="bag", fay="bag")

    assert _bought_with(bought, "tea") == ["mug", "bag"]


def test_several_products_add_up(bought: Bought) -> None:
    graph, _ = bought
    _buy(graph, ann="tea pot", ben="mug pot", cat="tea mug hat")

    # pot and one for the other: 1/sqrt(2 * 2) from each, and from one; hat: 1/sqrt(2 * 1) from each
    assert _bought_with(bought, "tea", "mug") == ["hat", "pot", "mug", "tea"]


def test_what_was_bought_lately_counts_more(bought: Bought) -> None:
    graph, _ = bought
    week = Decay.of_half_life(7)
    _put(graph, purchase("m1", "tea", "ann", 1), purchase("m2", "mug", "ann", 9), purchase("m3", "pot", "ann", 1))
    _put(graph, purchase("m4", "tea", "ben", 40), purchase("m5", "bag", "ben", 0))

    # pot: 2 ** (-2 / 7), mug: 2 ** (-10 / 7), bag: 2 ** (-40 / 7), all over sqrt(2)
    assert _bought_with(bought, "tea", decay=week) == ["pot", "mug", "bag"]
    assert _bought_with(bought, "tea") == ["bag", "mug", "pot"]


def test_a_product_bought_again_was_bought_the_last_time(bought: Bought) -> None:
    graph, _ = bought
    _put(graph, purchase("m1", "tea", "ann", 1), purchase("m2", "mug", "ann", 9), purchase("m3", "pot", "ann", 5))
    _put(graph, purchase("m4", "mug", "ann", 2))

    assert _bought_with(bought, "tea", decay=Decay.of_half_life(7)) == ["mug", "pot"]


def test_only_the_last_buyers_are_asked(bought: Bought) -> None:
    graph, _ = bought
    _put(graph, purchase("m1", "tea", "ann", 99), purchase("m2", "mug", "ann", 0))
    _put(graph, *(purchase(f"n{n}", "tea", f"user {n}", 50) for n in range(BUYERS - 1)))
    before = _bought_with(bought, "tea")

    _put(graph, purchase("m3", "tea", "ben", 50))

    assert (before, _bought_with(bought, "tea")) == (["mug"], [])


def test_only_purchases_count(bought: Bought) -> None:
    graph, _ = bought
    _put(graph, purchase("m1", "tea", "ann"), viewed("m2", "mug", "ann"), viewed("m3", "tea", "ben"))

    assert _bought_with(bought, "tea") == []


def test_of_what_nobody_has_bought_nothing_is_known(bought: Bought) -> None:
    graph, _ = bought
    _buy(graph, ann="tea mug")

    assert _bought_with(bought, "pot") == []
    assert _bought_with(bought) == []


@pytest.mark.parametrize("product_id", [text for text in ODD_TEXTS if "\x00" not in text], ids=ascii)
def test_ids_are_told_apart_byte_by_byte(bought: Bought, product_id: str) -> None:
    graph, _ = bought
    _put(graph, *(purchase(f"m{at}", text, f"user {at}") for at, text in enumerate(ODD_TEXTS)))
    _put(graph, purchase("n1", product_id, "ann"), purchase("n2", "with it", "ann"))

    assert _bought_with(bought, product_id) == ["with it"]
