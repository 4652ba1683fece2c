import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from domain.phrase import normalize_phrase


@given(st.text())
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    assert normalize_phrase(normalize_phrase(text)) == normalize_phrase(text)


@given(st.text())
def test_composed_and_decomposed_letters_are_one_phrase(text: str) -> None:
    assert normalize_phrase(unicodedata.normalize("NFD", text)) == normalize_phrase(text)


def test_white_space_is_one_blank() -> None:
    assert normalize_phrase("  green \t\n tea\u00a0") == "green tea"


def test_case_is_kept() -> None:
    assert normalize_phrase("Green Tea") != normalize_phrase("green tea")
