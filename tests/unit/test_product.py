import pytest
from attrs import evolve

from domain.attributes import Attribute
from domain.errors import InvalidValueError
from domain.product import MAX_TEXT_LENGTH, Product
from tests.builders import own_product, unit_vector


def test_a_text_of_the_greatest_length_is_taken() -> None:
    assert len(Product(product_id="tea", text="x" * MAX_TEXT_LENGTH).text) == MAX_TEXT_LENGTH


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("product_id", ""),
        ("product_id", "x" * 129),
        ("product_id", 7),
        ("text", ""),
        ("text", " \n"),
        ("text", None),
        ("text", "x" * (MAX_TEXT_LENGTH + 1)),
        ("text", "a\udfff"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_wrong_field_is_named_with_a_remedy(field: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=f"^{field} .*; send ") as caught:
        Product(**{"product_id": "tea", "text": "green tea", field: value})

    assert caught.value.field == field


def test_products_with_the_same_text_have_the_same_vector_whatever_else_they_have() -> None:
    product = Product(product_id="tea", text="green tea")

    assert product.is_embedded_as(evolve(product, attributes=frozenset({Attribute("colour", "green")})))
    assert not product.is_embedded_as(evolve(product, text="black tea"))


def test_with_a_vector_of_its_own_only_that_counts() -> None:
    own = own_product("tea", unit_vector(1))

    assert own.is_embedded_as(evolve(own, text="another", vector=unit_vector(1)))
    assert not own.is_embedded_as(evolve(own, vector=unit_vector(2)))
    assert not own.is_embedded_as(evolve(own, vector=None))
    assert not evolve(own, vector=None).is_embedded_as(own)


def test_products_are_equal_if_their_vectors_are() -> None:
    own = own_product("tea", unit_vector(1))

    assert own == own_product("tea", unit_vector(1).copy())
    assert own != own_product("tea", unit_vector(2))
    assert own != evolve(own, vector=None)
