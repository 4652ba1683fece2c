import math
from datetime import timedelta

import pytest
from attrs import evolve

from domain.errors import InvalidValueError
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe
from tests.builders import NOW, bought, interaction, retraction, searched, viewed
from tests.shop import DIMENSIONS, RECIPE, Shop


def test_each_live_event_is_named_with_its_decayed_weight(shop: Shop) -> None:
    shop.apply(bought("m1", "tea", age_days=30), searched("m2", "a gift"), viewed("m3", "mug"), retraction("m4", "m3"))

    influences = {influence.message_id: influence for influence in shop.explain("ann")}

    assert set(influences) == {"m1", "m2"}
    assert influences["m1"].weight == pytest.approx(math.exp(-0.023 * 30))
    assert influences["m2"].weight == pytest.approx(0.7)
    assert (influences["m1"].product_id, influences["m1"].text) == ("tea", "green tea")
    assert (influences["m2"].search_phrase, influences["m2"].text) == ("a gift", "a gift")
    assert (influences["m1"].event_type, influences["m1"].occurred_at) == (EventType.PURCHASE, NOW - timedelta(days=30))


def test_shares_are_parts_of_one_whole_and_come_in_order(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"), bought("m2", "mug"), searched("m3", "a gift"))

    shares = [influence.share for influence in shop.explain("ann")]

    assert sum(shares) == pytest.approx(1.0)
    assert [abs(share) for share in shares] == sorted(map(abs, shares), reverse=True)


def test_an_event_that_speaks_against_a_product_has_a_negative_share() -> None:
    weights = {**DEFAULT_WEIGHTS, EventType.VIEW: -0.3}
    shop = Shop(recipe=Recipe(model=RECIPE.model, dimensions=DIMENSIONS, weights=weights))
    shop.stock(tea="green tea")
    shop.apply(bought("m1"), viewed("m2"))

    assert [influence.share for influence in shop.explain("ann")] == [
        pytest.approx(1.0 / 0.7),
        pytest.approx(-0.3 / 0.7),
    ]


def test_events_that_cancel_out_have_no_share() -> None:
    weights = {**DEFAULT_WEIGHTS, EventType.VIEW: -1.0}
    shop = Shop(recipe=Recipe(model=RECIPE.model, dimensions=DIMENSIONS, weights=weights))
    shop.stock(tea="green tea")
    shop.apply(bought("m1"), interaction("m2", EventType.VIEW, "tea"))

    assert [(influence.share, influence.weight) for influence in shop.explain("ann")] == [(0.0, 1.0), (0.0, -1.0)]


def test_an_event_a_little_ahead_of_our_clock_counts_in_full(shop: Shop) -> None:
    shop.apply(evolve(bought("m1"), occurred_at=NOW + timedelta(minutes=3)))

    assert shop.explain("ann")[0].weight == 1.0


def test_events_that_are_not_applied_are_left_out(shop: Shop) -> None:
    shop.apply(viewed("m1", "pot"), viewed("m2", "tea"))
    shop.record(viewed("m3", "mug"))

    assert [influence.message_id for influence in shop.explain("ann")] == ["m2"]


def test_a_retraction_that_is_not_applied_does_not_count_yet(shop: Shop) -> None:
    shop.apply(viewed("m1"))
    shop.record(retraction("m2", "m1"))

    assert [influence.message_id for influence in shop.explain("ann")] == ["m1"]


def test_without_live_events_there_is_nothing_to_explain(shop: Shop) -> None:
    shop.apply(viewed("m1"), retraction("m2", "m1"))

    assert list(shop.explain("ann")) == []


def test_an_unknown_user_is_an_error_that_says_what_to_do(shop: Shop) -> None:
    with pytest.raises(InvalidValueError, match="'eve' is not known; record an event"):
        shop.explain("eve")
