import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValueError
from domain.identifier import MAX_LENGTH, parse_identifier

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_LENGTH)


@given(texts)
def test_a_text_is_taken_as_it_is(text: str) -> None:
    assert parse_identifier("user_id", text) == text


@given(st.integers(-(10**100), 10**100))
def test_an_integer_equals_its_decimal_string(number: int) -> None:
    assert parse_identifier("user_id", number) == parse_identifier("user_id", str(number))


@pytest.mark.parametrize("text", [" ann", "ann ", "Ann", "e\u0301", "🧁" * MAX_LENGTH])
def test_nothing_is_trimmed_folded_or_normalized(text: str) -> None:
    assert parse_identifier("user_id", text) == text


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "has 0 characters"),
        ("x" * (MAX_LENGTH + 1), "has 129 characters"),
        ("🧁" * (MAX_LENGTH + 1), "has 129 characters"),
        (10**MAX_LENGTH, "has more than 128 digits"),
        (-(10**5_000), "has more than 128 digits"),
        (-(10 ** (MAX_LENGTH - 1)), "has 129 characters"),
        (True, "is bool"),
        (1.0, "is float"),
        (None, "is NoneType"),
        (["a"], "is list"),
        ("a\ud800", "half of a surrogate pair"),
    ],
    ids=lambda raw: ascii(raw)[:24] if not isinstance(raw, int) or isinstance(raw, bool) else "integer",
)
def test_what_is_no_identifier_is_refused(raw: object, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^user_id .*{problem}.*; send ") as caught:
        parse_identifier("user_id", raw)

    assert caught.value.field == "user_id"
