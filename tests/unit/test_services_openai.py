"""The stub of OpenAI's embeddings behaves, and misbehaves, as the real endpoint does."""

import base64
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import openai
import pytest

from tests.services import OpenaiStub

MODEL = "text-embedding-3-small"


@pytest.fixture
def client(openai_stub: OpenaiStub) -> Iterator[openai.OpenAI]:
    """The real client, which repeats nothing by itself."""
    with openai.OpenAI(base_url=openai_stub.url, api_key=openai_stub.api_key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_are_of_unit_length_and_the_texts_own(client: openai.OpenAI, encoding: Any) -> None:
    answer = client.embeddings.create(model=MODEL, input=["red mug", "blue teapot"], encoding_format=encoding)
    mug, teapot = (_decoded(one.embedding) for one in answer.data)
    assert np.linalg.norm(mug) == pytest.approx(1, abs=1e-6)
    assert abs(mug @ teapot) < 0.2


def test_vectors_of_one_text_differ_a_little_from_call_to_call(client: openai.OpenAI) -> None:
    first, second = (_vectors(client, "red mug")[0] for _ in range(2))
    assert 5e-5 < np.linalg.norm(first - second) < 5e-4


def test_shorter_vectors_begin_like_the_long_ones(client: openai.OpenAI) -> None:
    short, long = _vectors(client, "red mug", dimensions=256)[0], _vectors(client, "red mug")[0]
    assert len(short) == 256
    assert short == pytest.approx(long[:256] / np.linalg.norm(long[:256]), abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": ""},
        {"input": []},
        {"input": ["red mug", ""]},
        {"input": ["red mug"] * 2_049},
        {"input": "mug " * 10_000},
        {"input": ["mug " * 8_000] * 40},
        {"dimensions": 1_537},
    ],
    ids=str,
)
def test_what_the_real_one_refuses_is_refused(client: openai.OpenAI, wrong: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(**{"model": MODEL, "input": "red mug"} | wrong)


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-9", input="red mug")


def test_another_key_is_refused(openai_stub: OpenaiStub) -> None:
    with (
        openai.OpenAI(base_url=openai_stub.url, api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        _vectors(client, "red mug")


def test_failures_are_used_up(openai_stub: OpenaiStub, client: openai.OpenAI) -> None:
    openai_stub.fail(429, times=2, retry_after=3)
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as caught:
            _vectors(client, "red mug")
        assert caught.value.response.headers["Retry-After"] == "3"
    assert len(_vectors(client, "red mug")) == 1
    assert [call.status for call in openai_stub.calls] == [429, 429, 200]


def test_a_failure_lasts_until_the_stub_recovers(openai_stub: OpenaiStub, client: openai.OpenAI) -> None:
    openai_stub.fail(503)
    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            _vectors(client, "red mug")
    openai_stub.recover()
    assert len(_vectors(client, "red mug")) == 1
    assert openai_stub.call_count == 4


def test_an_answer_may_take_too_long(openai_stub: OpenaiStub, client: openai.OpenAI) -> None:
    openai_stub.answer_slowly(0.5, times=1)
    with pytest.raises(openai.APITimeoutError):
        client.embeddings.create(model=MODEL, input="red mug", timeout=0.05)


def test_calls_are_kept_with_their_inputs_until_the_reset(openai_stub: OpenaiStub, client: openai.OpenAI) -> None:
    before = time.time()
    client.embeddings.create(model=MODEL, input=["red mug", "blue teapot"], dimensions=256)
    (call,) = openai_stub.calls
    assert (call.inputs, call.model, call.dimensions) == (["red mug", "blue teapot"], MODEL, 256)
    assert before <= call.at.timestamp() <= time.time()
    openai_stub.reset()
    assert openai_stub.call_count == 0


def _vectors(client: openai.OpenAI, *texts: str, **options: Any) -> Sequence[Any]:
    answer = client.embeddings.create(model=MODEL, input=list(texts), **options)
    return [_decoded(one.embedding) for one in answer.data]


def _decoded(embedding: Any) -> Any:
    if isinstance(embedding, str):  # the client decodes only what it chose to ask for
        return np.frombuffer(base64.b64decode(embedding), "<f4")
    return np.asarray(embedding)
