"""What every keeper of product changes promises."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from application.ports.product_catalogue import CataloguePut
from application.ports.product_changes import ProductChange, ProductChanges
from domain.attributes import attributes_of
from tests.builders import NOW, ODD_TEXTS, in_catalogue, own_product, unit_vector


def _put(product_id: str = "tea", revision: int = 1, text: str = "green tea") -> CataloguePut:
    return CataloguePut(product=in_catalogue(product_id, text, revision=revision), expected_revision=revision - 1)


def _ids(changes: Sequence[ProductChange]) -> list[str]:
    return [change.put.product.product.product_id for change in changes]


@pytest.mark.parametrize("revision", [1, 2, 2**40])
def test_a_change_comes_back_whole(changes: ProductChanges, revision: int) -> None:
    product = in_catalogue(
        "🧁" * 128,
        "قميص",
        revision=revision,
        embedding=unit_vector(3),
        model="model-2",
        updated_at=NOW + timedelta(microseconds=1),
    )

    changes.begin([CataloguePut(product=product, expected_revision=revision - 1)])

    [change] = changes.under_way(10)
    found = change.put.product
    assert change.put.expected_revision == revision - 1
    assert found.embedding.tobytes() == product.embedding.tobytes()
    assert (found.product, found.model, found.revision, found.updated_at) == (
        product.product, product.model, product.revision, product.updated_at,
    )  # fmt: skip


def test_a_change_keeps_attributes_and_whether_the_vector_is_the_shops_own(changes: ProductChanges) -> None:
    own = own_product("own", attributes=attributes_of({"size": ["S", "M"], "odd": list(ODD_TEXTS)}))
    puts = [CataloguePut(product=in_catalogue(product=own), expected_revision=0), _put("tea")]

    changes.begin(puts)

    assert [change.put.product.product for change in changes.under_way(10)] == [put.product.product for put in puts]


def test_the_oldest_changes_come_first_and_no_more_than_asked_for(changes: ProductChanges) -> None:
    changes.begin([_put("tea"), _put("cup")])
    changes.begin([_put("bag")])

    assert _ids(changes.under_way(2)) == ["tea", "cup"]
    assert _ids(changes.under_way(10)) == ["tea", "cup", "bag"]
    assert set(changes.product_ids()) == {"tea", "cup", "bag"}


def test_a_product_that_is_changing_already_is_left_as_it_is(changes: ProductChanges) -> None:
    changes.begin([_put("tea", text="first")])

    changes.begin([_put("cup"), _put("tea", revision=2, text="second"), _put("bag")])

    under_way = changes.under_way(10)
    assert _ids(under_way) == ["tea", "cup", "bag"]
    assert under_way[0].put.product.product.text == "first"


def test_of_two_changes_of_a_product_in_one_call_the_first_stays(changes: ProductChanges) -> None:
    changes.begin([_put(text="first"), _put(text="second")])

    assert [change.put.product.product.text for change in changes.under_way(10)] == ["first"]


def test_an_ended_change_is_gone_and_the_product_may_change_again(changes: ProductChanges) -> None:
    changes.begin([_put("tea"), _put("cup")])
    changes.end([changes.under_way(1)[0].id])
    assert set(changes.product_ids()) == {"cup"}

    changes.begin([_put("tea", revision=2)])

    assert [(c.put.product.product.product_id, c.put.expected_revision) for c in changes.under_way(10)] == [
        ("cup", 0), ("tea", 1),
    ]  # fmt: skip


def test_ending_a_change_twice_does_not_end_a_later_one(changes: ProductChanges) -> None:
    changes.begin([_put()])
    [first] = changes.under_way(1)
    changes.end([first.id])
    changes.begin([_put(revision=2)])

    changes.end([first.id, 10**9])
    changes.end([])

    assert _ids(changes.under_way(10)) == ["tea"]


def test_product_ids_are_compared_byte_by_byte(changes: ProductChanges) -> None:
    changes.begin([_put(text) for text in ODD_TEXTS])

    assert _ids(changes.under_way(100)) == list(ODD_TEXTS)


def test_nothing_is_under_way_at_first(changes: ProductChanges) -> None:
    changes.begin([])

    assert (list(changes.under_way(10)), set(changes.product_ids())) == ([], set())
