"""Filters by attributes: which products they allow, and how long an answer is kept."""

import pytest

from application.filter_products import FilterProducts
from domain.attributes import Attributes, attributes_of
from domain.errors import UnknownAttributeError
from domain.product import Product
from tests.shop import Shop


class CountingCatalogue:
    """A catalogue that counts what is asked of it."""

    def __init__(self, shop: Shop) -> None:
        self._catalogue = shop.catalogue
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        self.asked += name != "revision"
        return getattr(self._catalogue, name)


def _described(product_id: str, **values: list[str]) -> Product:
    return Product(product_id=product_id, text=product_id, attributes=attributes_of(values))


def _where(**values: list[str]) -> Attributes:
    return attributes_of(values)


@pytest.fixture
def described(shop: Shop) -> Shop:
    shop.import_products(
        [
            _described("red-s", colour=["red"], size=["S"]),
            _described("red-m", colour=["red"], size=["M"]),
            _described("blue-s", colour=["blue"], size=["S"]),
        ]
    )
    return shop


def test_a_filter_is_the_set_of_products_that_it_allows(described: Shop) -> None:
    allowed = FilterProducts(described.catalogue)

    assert allowed(_where(colour=["red"])) == {"red-s", "red-m"}
    assert allowed(_where(colour=["red"], size=["S"])) == {"red-s"}
    assert allowed(_where(colour=["red", "blue"], size=["S"])) == {"red-s", "blue-s"}


def test_a_filter_narrows_the_products_that_are_wanted(described: Shop) -> None:
    allowed = FilterProducts(described.catalogue)

    assert allowed(_where(colour=["red"]), ["red-s", "blue-s", "tea", "unknown"]) == {"red-s"}
    assert allowed(_where(colour=["red"]), []) == set()


def test_without_a_filter_nothing_is_narrowed(described: Shop) -> None:
    allowed = FilterProducts(described.catalogue)

    assert allowed(frozenset()) is None
    assert allowed(frozenset(), ["tea"]) == ["tea"]


def test_a_filter_that_no_product_passes_allows_nothing(described: Shop) -> None:
    allowed = FilterProducts(described.catalogue)

    assert allowed(_where(colour=["green"])) == set()
    assert allowed(_where(colour=["blue"], size=["M"])) == set()


def test_a_name_that_no_product_has_is_an_error_that_says_which_there_are(described: Shop) -> None:
    told = "^where asks for 'color', which no product has; the attributes are colour, size$"

    with pytest.raises(UnknownAttributeError, match=told):
        FilterProducts(described.catalogue)(_where(color=["red"], size=["S"]), ["red-s"])


def test_where_no_product_has_attributes_the_way_to_bring_them_is_said(shop: Shop) -> None:
    with pytest.raises(UnknownAttributeError, match="; bring attributes with `penchant products import`"):
        FilterProducts(shop.catalogue)(_where(colour=["red"]))


def test_of_very_many_names_only_some_are_said(shop: Shop) -> None:
    shop.import_products([_described("tea", **{f"name {n:02}": ["x"] for n in range(21)})])

    with pytest.raises(UnknownAttributeError, match="name 18, name 19, …$"):
        FilterProducts(shop.catalogue)(_where(colour=["red"]))


def test_the_catalogue_is_asked_once_until_it_changes(described: Shop) -> None:
    catalogue = CountingCatalogue(described)
    allowed = FilterProducts(catalogue)  # type: ignore[arg-type]
    for _ in range(3):
        allowed(_where(colour=["red"]))
        allowed(_where(colour=["green"]))

    assert catalogue.asked == 3  # and for the names, since nothing is green

    described.import_products([_described("red-s", colour=["green"])])

    assert allowed(_where(colour=["red"])) == {"red-m"}
    assert allowed(_where(colour=["green"])) == {"red-s"}


def test_old_answers_make_room_for_new_ones_and_one_that_is_too_large_is_not_kept(described: Shop) -> None:
    catalogue = CountingCatalogue(described)
    allowed = FilterProducts(catalogue, kept_ids=2)  # type: ignore[arg-type]

    for _ in range(2):
        assert allowed(_where(colour=["red"])) == {"red-s", "red-m"}
        assert allowed(_where(size=["M"])) == {"red-m"}
    assert catalogue.asked == 4

    assert allowed(_where(size=["S", "M"])) == {"red-s", "red-m", "blue-s"}
    assert allowed(_where(size=["M"])) == {"red-m"}
    assert catalogue.asked == 5
