import pytest

from domain.errors import InvalidValueError, NotAppliedYetError
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe
from tests.builders import bought, interaction, retraction, searched, viewed
from tests.shop import DIMENSIONS, RECIPE, Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with enough to choose from."""
    shop.stock(pot="tea pot", cup="tea cup", hat="straw hat", tin="tea tin")
    return shop


def test_the_nearest_products_come_first(stocked: Shop) -> None:
    stocked.apply(searched("m1", "tea"))

    found = stocked.recommend.products("ann", 10)

    assert len(found) == 6
    assert [r.similarity for r in found] == sorted((r.similarity for r in found), reverse=True)
    for recommendation in found:
        product = stocked.catalogue.read([recommendation.product_id])[recommendation.product_id]
        assert recommendation.similarity == pytest.approx(product.embedding @ stocked.state().embedding, abs=1e-6)
        assert recommendation.text == product.product.text


def test_no_more_are_given_than_wanted(stocked: Shop) -> None:
    stocked.apply(searched("m1", "tea"))

    assert stocked.recommend.products("ann", 2) == stocked.recommend.products("ann", 6)[:2]
    assert list(stocked.recommend.products("ann", 0)) == []


def test_what_was_bought_is_left_out_until_it_is_returned(stocked: Shop) -> None:
    stocked.apply(bought("m1", "cup"), viewed("m2", "pot"))
    assert {r.product_id for r in stocked.recommend.products("ann", 10)} == {"tea", "mug", "pot", "hat", "tin"}

    stocked.apply(retraction("m3", "m1"))

    assert "cup" in {r.product_id for r in stocked.recommend.products("ann", 10)}


def test_who_has_bought_everything_gets_nothing(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"), bought("m2", "mug"))

    assert list(shop.recommend.products("ann", 5)) == []


def test_products_that_are_equally_near_come_in_the_order_of_their_ids(shop: Shop) -> None:
    shop.stock(**{f"p{n:03}": "the same" for n in reversed(range(200))})
    shop.apply(searched("m1", "the same"))

    assert [r.product_id for r in shop.recommend.products("ann", 3)] == ["p000", "p001", "p002"]


def test_the_nearest_users_come_first_and_oneself_does_not(stocked: Shop) -> None:
    stocked.apply(
        viewed("a", "pot"),
        viewed("b", "pot", user_id="bob"),
        viewed("c", "hat", user_id="cid"),
        bought("d", "hat", "dee"),
    )

    neighbours = stocked.recommend.neighbours("ann", 5)

    assert [n.user_id for n in neighbours] == ["bob", "cid", "dee"]
    assert neighbours[0].similarity == pytest.approx(1.0)


def test_an_unknown_user_is_an_error_that_says_what_to_do(shop: Shop) -> None:
    for ask in (shop.recommend.products, shop.recommend.neighbours):
        with pytest.raises(InvalidValueError, match="'eve' is not known; record an event"):
            ask("eve", 5)


def test_a_user_whose_events_are_on_their_way_is_not_said_to_be_unknown(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))

    for ask in (shop.recommend.products, shop.recommend.neighbours):
        with pytest.raises(
            NotAppliedYetError, match=r"'ann' has 2 events that are recorded and on their way"
        ) as raised:
            ask("ann", 5)
        assert "penchant " not in str(raised.value)  # callers of the API read it, too


def test_nothing_is_near_to_a_known_user_without_live_events(stocked: Shop) -> None:
    stocked.apply(viewed("m1"), retraction("m2", "m1"), viewed("m3", user_id="bob"))

    assert list(stocked.recommend.products("ann", 5)) == []
    assert list(stocked.recommend.neighbours("ann", 5)) == []


def test_nothing_is_near_to_a_user_whose_products_are_all_unknown_until_they_come(stocked: Shop) -> None:
    stocked.apply(viewed("m1", "new"))
    before = list(stocked.recommend.products("ann", 1))

    stocked.stock(new="new lamp")
    stocked.work()

    assert (before, stocked.recommend.products("ann", 1)[0].product_id) == ([], "new")


def test_nothing_is_near_to_a_user_whose_events_cancel_out() -> None:
    weights = {**DEFAULT_WEIGHTS, EventType.VIEW: -1.0}
    shop = Shop(recipe=Recipe(model=RECIPE.model, dimensions=DIMENSIONS, weights=weights))
    shop.stock(tea="green tea")
    shop.stock(mug="red mug")
    shop.apply(bought("m1"), interaction("m2", EventType.VIEW, "tea"))

    assert list(shop.recommend.products("ann", 5)) == []


def test_what_was_bought_takes_no_place_in_the_list(stocked: Shop) -> None:
    stocked.apply(bought("m1", "pot"), bought("m2", "cup"), bought("m3", "tin"))

    assert len(stocked.recommend.products("ann", 2)) == 2
