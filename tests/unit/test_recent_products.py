from domain.applied_positions import AppliedPositions
from domain.recent_products import RECENT_PRODUCTS, recent_products
from tests.builders import logged, retraction, searched, viewed


def _applied(position: int, *missing: tuple[int, int]) -> AppliedPositions:
    return AppliedPositions(position, missing)


def test_products_are_named_once_and_the_last_recorded_first() -> None:
    events = [logged(viewed(f"m{at}", product), at) for at, product in enumerate(["tea", "mug", "tea", "pot"], start=1)]

    assert recent_products(events, _applied(4)) == ("pot", "tea", "mug")


def test_what_is_not_applied_is_not_named() -> None:
    events = [logged(viewed("m1", "tea"), 1), logged(viewed("m2", "mug"), 2), logged(viewed("m3", "pot"), 3)]

    assert recent_products(events, _applied(3, (2, 2))) == ("pot", "tea")


def test_what_is_taken_back_is_not_named_once_that_is_applied() -> None:
    events = [logged(viewed("m1", "tea"), 1, retracted_by=2), logged(retraction("m2", "m1"), 2)]

    assert recent_products(events, _applied(1)) == ("tea",)
    assert recent_products(events, _applied(2)) == ()


def test_a_search_names_no_product() -> None:
    assert recent_products([logged(searched("m1"), 1)], _applied(1)) == ()


def test_only_so_many_are_named() -> None:
    events = [logged(viewed(f"m{at}", f"p{at}"), at) for at in range(1, 40)]

    assert recent_products(events, _applied(39)) == tuple(f"p{at}" for at in range(39, 39 - RECENT_PRODUCTS, -1))
