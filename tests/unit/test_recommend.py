from collections.abc import Sequence

import pytest

from application.recommend import Reason, Recommendation, Wishes
from application.shopper import RECENT
from domain.blend import DEPTH, Blend, Source
from domain.errors import InvalidValueError
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe
from tests.builders import bought, interaction, retraction, searched, viewed
from tests.shop import DIMENSIONS, RECIPE, Shop


def _nearest(shop: Shop, limit: int) -> Sequence[Recommendation]:
    """What the embedding alone recommends to ann."""
    return shop.recommend("ann", Wishes(limit=limit, sources=[Source.EMBEDDING]))


def _ids(found: Sequence[Recommendation]) -> list[str]:
    return [recommendation.product_id for recommendation in found]


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with enough to choose from."""
    shop.stock(pot="tea pot", cup="tea cup", hat="straw hat", tin="tea tin")
    return shop


def test_the_nearest_products_come_first(stocked: Shop) -> None:
    stocked.apply(searched("m1", "tea"))

    found = _nearest(stocked, 10)

    assert len(found) == 6
    assert [r.similarity for r in found] == sorted((r.similarity for r in found), reverse=True)
    for recommendation in found:
        product = stocked.catalogue.read([recommendation.product_id])[recommendation.product_id]
        assert recommendation.similarity == pytest.approx(product.embedding @ stocked.state().embedding, abs=1e-6)
        assert recommendation.text == product.product.text


def test_no_more_are_given_than_wanted(stocked: Shop) -> None:
    stocked.apply(searched("m1", "tea"))

    assert _nearest(stocked, 2) == _nearest(stocked, 6)[:2]
    assert list(_nearest(stocked, 0)) == []


def test_what_was_bought_is_left_out_until_it_is_returned(stocked: Shop) -> None:
    stocked.apply(bought("m1", "cup"), viewed("m2", "pot"))
    assert {r.product_id for r in _nearest(stocked, 10)} == {"tea", "mug", "pot", "hat", "tin"}

    stocked.apply(retraction("m3", "m1"))

    assert "cup" in {r.product_id for r in _nearest(stocked, 10)}


def test_who_has_bought_everything_gets_nothing(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"), bought("m2", "mug"))

    assert list(_nearest(shop, 5)) == []


def test_products_that_are_equally_near_come_in_the_order_of_their_ids(shop: Shop) -> None:
    shop.stock(**{f"p{n:03}": "the same" for n in reversed(range(200))})
    shop.apply(searched("m1", "the same"))

    assert [r.product_id for r in _nearest(shop, 3)] == ["p000", "p001", "p002"]


def test_nothing_is_near_to_a_known_user_without_live_events(stocked: Shop) -> None:
    stocked.apply(viewed("m1"), retraction("m2", "m1"), viewed("m3", user_id="bob"))

    assert list(_nearest(stocked, 5)) == []


def test_nothing_is_near_to_a_user_whose_products_are_all_unknown_until_they_come(stocked: Shop) -> None:
    stocked.apply(viewed("m1", "new"))
    before = list(_nearest(stocked, 1))

    stocked.stock(new="new lamp")
    stocked.work()

    assert (before, _ids(_nearest(stocked, 1))) == ([], ["new"])


def test_nothing_is_near_to_a_user_whose_events_cancel_out() -> None:
    weights = {**DEFAULT_WEIGHTS, EventType.VIEW: -1.0}
    shop = Shop(recipe=Recipe(model=RECIPE.model, dimensions=DIMENSIONS, weights=weights))
    shop.stock(tea="green tea")
    shop.stock(mug="red mug")
    shop.apply(bought("m1"), interaction("m2", EventType.VIEW, "tea"))

    assert list(_nearest(shop, 5)) == []


def test_what_was_bought_takes_no_place_in_the_list(stocked: Shop) -> None:
    stocked.apply(bought("m1", "pot"), bought("m2", "cup"), bought("m3", "tin"))

    assert len(_nearest(stocked, 2)) == 2


def test_what_two_sources_agree_on_comes_first_with_its_place_in_both(stocked: Shop) -> None:
    stocked.apply(viewed("m1", "pot"), *(viewed(f"b{n}", "hat", "bob") for n in range(3)))
    stocked.apply(*(viewed(f"c{n}", "pot", "cid") for n in range(9)))

    first = stocked.recommend("ann", Wishes())[0]

    assert (first.product_id, first.ranks) == ("pot", {Source.EMBEDDING: 1, Source.POPULAR: 1})


def test_to_a_user_who_is_new_what_is_popular_is_recommended(stocked: Shop) -> None:
    stocked.apply(viewed("b1", "mug", "bob"), viewed("c1", "hat", "cid"), bought("d1", "mug", "dee"))

    found = stocked.recommend("eve", Wishes())

    assert _ids(found) == ["mug", "hat"]
    assert (found[0].similarity, found[0].reason) == (None, Reason(source=Source.POPULAR))


def test_what_is_on_its_way_keeps_nobody_from_getting_what_is_popular(stocked: Shop) -> None:
    stocked.apply(viewed("b1", "mug", "bob"))
    stocked.record(viewed("m1", "pot"))

    assert "mug" in _ids(stocked.recommend("ann", Wishes()))


def test_a_reason_names_what_of_the_users_own_it_is_most_like(stocked: Shop) -> None:
    stocked.apply(bought("m1", "hat", age_days=3), bought("m2", "pot", age_days=2))

    found = {r.product_id: r.reason for r in _nearest(stocked, 10)}

    assert (found["cup"].product_id, found["cup"].text, found["cup"].event_type) == ("pot", "tea pot", "purchase")
    assert found["cup"].occurred_at == bought("m2", age_days=2).occurred_at


def test_what_was_taken_back_is_no_reason(stocked: Shop) -> None:
    stocked.apply(bought("m1", "pot"), viewed("m2", "hat"), retraction("m3", "m1"))

    assert {r.reason.product_id for r in _nearest(stocked, 10)} <= {"hat", None}


def test_a_search_is_a_reason_too(stocked: Shop) -> None:
    stocked.apply(searched("m1", "tea"))

    reason = _nearest(stocked, 1)[0].reason
    assert (reason.event_type, reason.product_id, reason.search_phrase, reason.text) == ("search", None, "tea", "tea")


def test_what_counts_little_by_now_is_the_reason_only_where_it_is_much_nearer(stocked: Shop) -> None:
    stocked.apply(viewed("m1", "hat", age_days=900), bought("m2", "cup"))

    assert {r.reason.product_id for r in _nearest(stocked, 2)} == {"cup"}


def test_of_a_user_with_many_events_the_last_ones_are_named_and_all_purchases_left_out(stocked: Shop) -> None:
    stocked.apply(bought("m1", "pot"), *(viewed(f"v{number}", "tin") for number in range(RECENT)))

    found = {r.product_id: r.reason for r in _nearest(stocked, 10)}

    assert found["cup"].product_id == "tin"
    assert "pot" not in found


@pytest.mark.parametrize("source", [Source.EMBEDDING, Source.POPULAR])
def test_each_source_gives_as_much_as_is_wanted(shop: Shop, source: Source) -> None:
    many = [f"p{number:03}" for number in range(DEPTH + 1)]
    shop.stock(**dict.fromkeys(many, "green tea"))
    shop.apply(*(viewed(f"v {product}", product) for product in many))

    assert len(shop.recommend("ann", Wishes(limit=len(many), sources=[source]))) == len(many)


@pytest.fixture
def disliking() -> Shop:
    """A shop where a view speaks against a product."""
    weights = {**DEFAULT_WEIGHTS, EventType.VIEW: -1.0}
    shop = Shop(recipe=Recipe(model=RECIPE.model, dimensions=DIMENSIONS, weights=weights))
    shop.stock(tea="green tea", mug="red mug", pot="tea pot", hat="straw hat", tin="a tin")
    return shop


def test_what_speaks_against_a_product_is_no_reason_for_any(disliking: Shop) -> None:
    disliking.apply(viewed("m1", "tea"))

    found = disliking.recommend("ann", Wishes(sources=[Source.EMBEDDING]))

    assert len(found) == 5
    assert {one.reason for one in found} == {Reason(source=Source.EMBEDDING)}


def test_what_more_speaks_against_than_for_is_not_popular(disliking: Shop) -> None:
    disliking.apply(viewed("m1", "tea"), bought("m2", "mug"), bought("m3", "pot"), viewed("m4", "pot", age_days=3))

    assert _ids(disliking.recommend("new", Wishes(sources=[Source.POPULAR]))) == ["mug", "pot"]


def test_what_was_bought_may_be_wanted(stocked: Shop) -> None:
    stocked.apply(bought("m1", "pot"))

    assert _ids(stocked.recommend("ann", Wishes(limit=1, with_bought=True))) == ["pot"]


def test_only_some_products_may_be_wanted(stocked: Shop) -> None:
    stocked.apply(viewed("m1", "pot"))

    assert set(_ids(stocked.recommend("ann", Wishes(among=["hat", "tin", "unknown"])))) == {"hat", "tin"}


def test_diversity_brings_what_is_unlike_the_first(stocked: Shop) -> None:
    stocked.stock(**{f"pot{n}": "tea pot" for n in range(5)})
    stocked.apply(viewed("m1", "pot"), viewed("m2", "hat"))

    alike, diverse = (
        _ids(stocked.recommend("ann", Wishes(limit=3, sources=[Source.EMBEDDING], diversity=diversity)))
        for diversity in (0.0, 0.7)
    )

    assert alike[0] == diverse[0]
    assert "hat" in diverse
    assert "hat" not in alike


@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan")])
def test_a_diversity_that_is_none_is_refused(diversity: float) -> None:
    with pytest.raises(InvalidValueError, match="send 0 to 1"):
        Wishes(diversity=diversity)


def test_a_source_that_is_not_there_is_refused_with_those_that_are(stocked: Shop) -> None:
    with pytest.raises(InvalidValueError, match="send one of embedding, popular"):
        stocked.recommend("ann", Wishes(sources=[Source.BOUGHT_WITH]))


def test_popularity_fades_by_the_day(stocked: Shop) -> None:
    stocked.apply(*(viewed(f"b{n}", "mug", f"user {n}", age_days=30) for n in range(5)), viewed("c1", "hat", "cid"))

    assert _ids(stocked.recommend("eve", Wishes())) == ["hat", "mug"]


def test_where_nothing_happened_for_long_what_was_popular_last_is(stocked: Shop) -> None:
    stocked.apply(viewed("b1", "mug", "bob", age_days=400), *(viewed(f"c{n}", "hat", "cid", 500) for n in range(2)))

    assert _ids(stocked.recommend("eve", Wishes())) == ["mug", "hat"]


def test_what_is_popular_and_not_in_the_catalogue_is_not_recommended(stocked: Shop) -> None:
    stocked.apply(viewed("b1", "unheard-of", "bob"), viewed("b2", "mug", "bob"))

    assert _ids(stocked.recommend("eve", Wishes())) == ["mug"]


def test_what_is_unknown_keeps_nothing_else_from_the_list(stocked: Shop) -> None:
    unknown = [viewed(f"m{number}-{time}", f"gone {number}", "bob") for number in range(300) for time in range(2)]
    stocked.apply(*unknown, viewed("b1", "mug", "bob"), viewed("b2", "hat", "bob"))

    assert _ids(stocked.recommend("eve", Wishes())) == ["hat", "mug"]


def test_a_blend_that_lets_no_source_count_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="set PENCHANT_BLEND_EMBEDDING or PENCHANT_BLEND_POPULAR"):
        Shop(blend=Blend(weights={Source.EMBEDDING: 0, Source.POPULAR: 0, Source.BOUGHT_WITH: 1}))


def test_similar_products_come_nearest_first_without_the_one_itself(stocked: Shop) -> None:
    found = stocked.similar_products("pot", 3)

    assert "pot" not in [product.product_id for product in found]
    assert [product.similarity for product in found] == sorted((p.similarity for p in found), reverse=True)


def test_what_is_like_an_unknown_product_nobody_knows(stocked: Shop) -> None:
    with pytest.raises(InvalidValueError, match="'lamp' is not in the catalogue"):
        stocked.similar_products("lamp", 3)
