import pytest

from domain.errors import InvalidValueError
from domain.product import MAX_TEXT_LENGTH, Product


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
