from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.openai.limits import ENDS, MAX_INPUT_BYTES, MAX_INPUTS, MAX_TOKENS, cut, requests_of

lengths = st.lists(st.integers(1, MAX_INPUT_BYTES), max_size=300)


@given(lengths)
def test_requests_hold_all_texts_in_order(sizes: list[int]) -> None:
    texts = ["x" * size for size in sizes]

    assert [text for request in requests_of(texts) for text in request] == texts


@given(lengths)
def test_no_request_can_have_more_tokens_than_one_may(sizes: list[int]) -> None:
    for request in requests_of(["x" * size for size in sizes]):
        assert 1 <= len(request) <= MAX_INPUTS
        assert sum(len(text.encode()) + ENDS for text in request) <= MAX_TOKENS


@given(lengths)
def test_no_two_neighbouring_requests_would_fit_into_one(sizes: list[int]) -> None:
    requests = list(requests_of(["x" * size for size in sizes]))

    for first, second in pairwise(requests):
        assert sum(len(text) + ENDS for text in (*first, second[0])) > MAX_TOKENS


def test_many_short_texts_are_cut_by_their_number() -> None:
    sizes = [len(request) for request in requests_of(["mug"] * (2 * MAX_INPUTS + 1))]

    assert sizes == [MAX_INPUTS, MAX_INPUTS, 1]


def test_long_texts_are_cut_by_the_tokens_that_they_may_have() -> None:
    sizes = [len(request) for request in requests_of(["x" * MAX_INPUT_BYTES] * 100)]

    assert sizes == [36, 36, 28]


def test_short_texts_stay_as_they_are() -> None:
    for text in ("mug", "x" * MAX_INPUT_BYTES, "🧁" * (MAX_INPUT_BYTES // 4), ""):
        assert cut(text) == text


@given(st.text(alphabet="xé漢🧁", min_size=1, max_size=9), st.integers(MAX_INPUT_BYTES // 4, MAX_INPUT_BYTES + 10))
def test_a_long_text_is_cut_between_characters_as_late_as_it_fits(words: str, length: int) -> None:
    text = (words * length)[:length]

    fitting = cut(text)

    assert text.startswith(fitting)
    assert len(fitting.encode()) <= MAX_INPUT_BYTES
    assert fitting == text or len(text[: len(fitting) + 1].encode()) > MAX_INPUT_BYTES
