"""The embedder on a real HTTP server: OpenAI's stub, and answers that no well-behaved service would give."""

import base64
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest

from adapters.memory.system import ManualClock
from adapters.openai.embedder import OpenAIEmbedder
from application.ports.examinable import Health
from domain.errors import ConfigurationError, PenchantError, PermanentError, UnavailableError
from tests.builders import NOW
from tests.integration.canned_http import Answer, CannedHttp, canned_http
from tests.services import OpenaiStub
from tests.services.ports import LOOPBACK, free_port

PRIVATE_PHRASE = "a present for my secret love"
KEY = "sk-very-secret-key-0123456789"

Embedders = Callable[..., OpenAIEmbedder]


@pytest.fixture
def embedders() -> Iterator[Embedders]:
    """Makes embedders, which are closed at the end."""
    made: list[OpenAIEmbedder] = []

    def make(base_url: str, api_key: str = KEY, **settings: Any) -> OpenAIEmbedder:
        made.append(OpenAIEmbedder(api_key=api_key, base_url=base_url, clock=ManualClock(NOW), **settings))
        return made[-1]

    yield make
    for embedder in made:
        embedder.close()


@pytest.fixture
def embedder(embedders: Embedders, openai_stub: OpenaiStub) -> OpenAIEmbedder:
    return embedders(openai_stub.url, openai_stub.api_key)


@pytest.fixture
def canned() -> Iterator[CannedHttp]:
    with canned_http() as server:
        yield server


def _failure(embedder: OpenAIEmbedder, *texts: str) -> PenchantError:
    """The error that embedding ends in, after a look at everything that a log would show of it."""
    with pytest.raises(PenchantError) as caught:
        embedder.embed(texts if texts else [PRIVATE_PHRASE])
    shown = "".join(traceback.format_exception(caught.value))
    assert PRIVATE_PHRASE not in shown
    assert KEY not in shown
    return caught.value


def _list(*vectors: Any, indices: Sequence[Any] | None = None) -> dict[str, Any]:
    numbers = indices if indices is not None else range(len(vectors))
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in zip(numbers, vectors, strict=True)
    ]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def _base64(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, dtype="<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("model", "dimensions", "name", "length", "sent"),
    [
        ("text-embedding-3-small", None, "text-embedding-3-small", 1_536, None),
        ("text-embedding-3-small", 1_536, "text-embedding-3-small", 1_536, None),
        ("text-embedding-3-small", 256, "text-embedding-3-small-256", 256, 256),
        ("text-embedding-3-large", None, "text-embedding-3-large", 3_072, None),
        ("text-embedding-3-large", 1_024, "text-embedding-3-large-1024", 1_024, 1_024),
        ("text-embedding-ada-002", None, "text-embedding-ada-002", 1_536, None),
        ("text-embedding-ada-002", 1_536, "text-embedding-ada-002", 1_536, None),
    ],
)
def test_each_model_has_vectors_of_its_length_and_a_name_that_says_if_they_are_shortened(
    embedders: Embedders,
    openai_stub: OpenaiStub,
    model: str,
    dimensions: int | None,
    name: str,
    length: int,
    sent: int | None,
) -> None:
    embedder = embedders(openai_stub.url, openai_stub.api_key, model=model, dimensions=dimensions)

    vectors = embedder.embed(["red mug"])

    assert (embedder.model, embedder.dimensions) == (name, length)
    assert (vectors.shape, vectors.dtype) == ((1, length), np.float32)
    assert [(call.model, call.dimensions) for call in openai_stub.calls] == [(model, sent)]


def test_another_model_is_not_asked_to_shorten_its_vectors(embedders: Embedders, canned: CannedHttp) -> None:
    canned.answers.append(Answer(body=_list(_base64(1, 2, 3))))

    vectors = embedders(canned.url, model="nomic-embed-text", dimensions=3).embed(["red mug"])

    assert vectors.tolist() == [[1, 2, 3]]
    assert "dimensions" not in canned.requests[0]


def test_all_texts_go_in_one_request_and_equal_ones_once(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    vectors = embedder.embed(["tea", "mug", "tea", "pot", "mug"])

    assert [call.inputs for call in openai_stub.calls] == [["tea", "mug", "pot"]]
    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors[1], vectors[4])
    assert not np.allclose(vectors[0], vectors[3], atol=1e-2)


def test_more_texts_than_a_request_takes_are_cut_into_several(embedders: Embedders, openai_stub: OpenaiStub) -> None:
    embedder = embedders(openai_stub.url, openai_stub.api_key, dimensions=2)

    assert embedder.embed([f"text {number}" for number in range(5_000)]).shape == (5_000, 2)
    assert [len(call.inputs) for call in openai_stub.calls] == [2_048, 2_048, 904]


def test_a_text_that_is_too_long_is_cut(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    embedder.embed(["é" * 8_000])

    assert [call.inputs for call in openai_stub.calls] == [["é" * 4_095]]


def test_for_no_texts_nobody_is_asked(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    assert embedder.embed([]).shape == (0, 1_536)
    assert openai_stub.call_count == 0


def test_vectors_are_put_in_order_by_their_index(embedders: Embedders, canned: CannedHttp) -> None:
    canned.answers.append(Answer(body=_list(_base64(2, 2), _base64(0, 0), _base64(1, 1), indices=[2, 0, 1])))

    vectors = embedders(canned.url, model="m", dimensions=2).embed(["a", "b", "c"])

    assert vectors.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_vectors_of_servers_that_know_no_base64_are_understood(embedders: Embedders, canned: CannedHttp) -> None:
    canned.answers.append(Answer(body=_list([0.5, 1], [2, -3])))

    assert embedders(canned.url, model="m", dimensions=2).embed(["a", "b"]).tolist() == [[0.5, 1], [2, -3]]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_service_that_asks_for_patience_is_unavailable(
    embedder: OpenAIEmbedder, openai_stub: OpenaiStub, status: int
) -> None:
    openai_stub.fail(status, retry_after=7)

    error = _failure(embedder)

    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds == 7
    assert str(status) in str(error)
    assert openai_stub.url in str(error)
    assert openai_stub.call_count == 1, "nothing is tried twice"


def test_a_pause_until_a_date_is_understood(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    openai_stub.fail(429, retry_after="Fri, 01 Jan 2100 00:00:00 GMT")

    error = _failure(embedder)

    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds is not None
    assert error.retry_after_seconds > 86_400


def test_a_pause_is_finer_in_milliseconds_and_measured_by_the_date_of_the_answer(
    embedders: Embedders, canned: CannedHttp
) -> None:
    theirs = NOW - timedelta(hours=1)
    date, later = (format_datetime(moment, usegmt=True) for moment in (theirs, theirs + timedelta(minutes=2)))
    canned.answers.append(Answer(status=503, headers={"Retry-After-Ms": "1500", "Retry-After": "2"}))
    canned.answers.append(Answer(status=503, headers={"Date": date, "Retry-After": later}))
    embedder = embedders(canned.url)

    pauses = [getattr(_failure(embedder), "retry_after_seconds", None) for _ in range(2)]

    assert pauses == [1.5, 120]


def test_without_a_word_on_it_the_pause_is_left_to_us(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    openai_stub.fail(503)

    error = _failure(embedder)

    assert isinstance(error, UnavailableError)
    assert error.retry_after_seconds is None


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (429, "insufficient_quota", "insufficient_quota"),
        (429, "insufficient_quota", "project_spend_limit_exceeded"),
        (429, "insufficient_quota", None),
        (429, "requests", "credit_balance_exhausted"),
        (402, None, None),
    ],
)
def test_a_quota_that_is_used_up_kills_nothing_and_is_called_by_its_name(
    embedders: Embedders, canned: CannedHttp, status: int, kind: str | None, code: str | None
) -> None:
    canned.answers.append(Answer(status=status, body={"error": {"message": "…", "type": kind, "code": code}}))

    error = _failure(embedders(canned.url))

    assert isinstance(error, UnavailableError)
    assert "used up" in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_named_and_not_shown(embedders: Embedders, canned: CannedHttp, status: int) -> None:
    message = f"Incorrect API key provided: {KEY}."
    canned.answers.append(Answer(status=status, body={"error": {"message": message, "code": "invalid_api_key"}}))

    error = _failure(embedders(canned.url))

    assert isinstance(error, ConfigurationError)
    assert "OPENAI_API_KEY" in str(error)


def test_the_stub_refuses_another_key(embedders: Embedders, openai_stub: OpenaiStub) -> None:
    assert isinstance(_failure(embedders(openai_stub.url)), ConfigurationError)


def test_a_model_that_is_not_there_is_a_matter_of_settings(embedders: Embedders, openai_stub: OpenaiStub) -> None:
    embedder = embedders(openai_stub.url, openai_stub.api_key, model="text-embedding-9", dimensions=8)

    error = _failure(embedder)

    assert isinstance(error, ConfigurationError)
    assert "OPENAI_EMBEDDING_MODEL" in str(error)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_texts_that_are_refused_fail_for_good_and_are_not_shown(
    embedders: Embedders, canned: CannedHttp, status: int
) -> None:
    quoting = {"error": {"message": f"no good: {PRIVATE_PHRASE}", "code": PRIVATE_PHRASE}, "input": PRIVATE_PHRASE}
    canned.answers.append(Answer(status=status, body=quoting))

    error = _failure(embedders(canned.url))

    assert isinstance(error, PermanentError)
    assert not isinstance(error, ConfigurationError)
    assert str(status) in str(error)


def test_an_empty_text_is_refused_by_the_service(embedder: OpenAIEmbedder) -> None:
    assert isinstance(_failure(embedder, ""), PermanentError)


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        (_list(_base64(1, 2), _base64(3, 4)), "OPENAI_BASE_URL"),
        (_list(), "OPENAI_BASE_URL"),
        (_list(_base64(1, 2), indices=[1]), "OPENAI_BASE_URL"),
        (_list(_base64(1, 2), indices=[None]), "OPENAI_BASE_URL"),
        (_list(_base64(1, 2), indices=[[0]]), "OPENAI_BASE_URL"),
        (_list(_base64(1, 2), indices=[False]), "OPENAI_BASE_URL"),
        ({"data": None}, "OPENAI_BASE_URL"),
        ({"hello": "world"}, "OPENAI_BASE_URL"),
        ([], "OPENAI_BASE_URL"),
        ("hello", "OPENAI_BASE_URL"),
        (None, "OPENAI_BASE_URL"),
        (_list(_base64(1, 2, 3)), "PENCHANT_EMBEDDING_DIMENSIONS"),
        (_list([1.0]), "PENCHANT_EMBEDDING_DIMENSIONS"),
        (_list([[1.0], [2.0]]), "PENCHANT_EMBEDDING_DIMENSIONS"),
        (_list("no base64"), "PENCHANT_EMBEDDING_DIMENSIONS"),
        (_list(None), "PENCHANT_EMBEDDING_DIMENSIONS"),
        (_list({"a": 1}), "PENCHANT_EMBEDDING_DIMENSIONS"),
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_names_the_setting(
    embedders: Embedders, canned: CannedHttp, body: Any, setting: str
) -> None:
    canned.answers.append(Answer(body=body))

    error = _failure(embedders(canned.url, model="m", dimensions=2))

    assert isinstance(error, ConfigurationError)
    assert setting in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"{ not json", headers={"Content-Type": "application/json"}),
        Answer(body=b"\xff\xfe", headers={"Content-Type": "application/json"}),
        Answer(body=b"x", headers={"Content-Encoding": "gzip"}),
        Answer(body=b"{}", headers={"Content-Length": "100"}),
    ],
    ids=["not JSON", "not UTF-8", "not gzip", "cut short"],
)
def test_an_answer_that_arrives_damaged_is_asked_for_again_later(
    embedders: Embedders, canned: CannedHttp, answer: Answer
) -> None:
    canned.answers.append(answer)

    assert isinstance(_failure(embedders(canned.url)), UnavailableError)


def test_a_web_page_is_no_embedding_service(embedders: Embedders, canned: CannedHttp) -> None:
    canned.answers.append(Answer(body=b"<html>hello</html>", headers={"Content-Type": "text/html"}))

    assert isinstance(_failure(embedders(canned.url)), ConfigurationError)


def test_a_service_that_does_not_answer_in_time_is_unavailable(embedders: Embedders, openai_stub: OpenaiStub) -> None:
    openai_stub.answer_slowly(1.0)

    error = _failure(embedders(openai_stub.url, openai_stub.api_key, timeout_seconds=0.05))

    assert isinstance(error, UnavailableError)
    assert "in time" in str(error)


def test_a_service_out_of_reach_is_unavailable_and_its_address_is_told(embedders: Embedders) -> None:
    address = f"{LOOPBACK}:{free_port()}/v1"

    error = _failure(embedders(f"http://user:hidden@{address}"))

    assert isinstance(error, UnavailableError)
    assert f"http://{address}" in str(error)
    assert "hidden" not in str(error)


def test_a_service_that_was_stopped_and_is_back_is_used_again(
    embedder: OpenAIEmbedder, openai_stub: OpenaiStub
) -> None:
    embedder.embed(["tea"])
    openai_stub.stop()
    assert isinstance(_failure(embedder), UnavailableError)

    openai_stub.start()

    assert embedder.embed(["tea"]).shape == (1, 1_536)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"api_key": ""}, "OPENAI_API_KEY"),
        ({"api_key": f"{KEY}\n"}, "OPENAI_API_KEY"),
        ({"api_key": f"{KEY}é"}, "OPENAI_API_KEY"),
        ({"base_url": "localhost:8000"}, "OPENAI_BASE_URL"),
        ({"base_url": "http://"}, "OPENAI_BASE_URL"),
        ({"base_url": "http://[::1"}, "OPENAI_BASE_URL"),
        ({"base_url": "http://host:port/v1"}, "OPENAI_BASE_URL"),
        ({"model": "some-model"}, "PENCHANT_EMBEDDING_DIMENSIONS"),
        ({"model": "some-model", "dimensions": 0}, "PENCHANT_EMBEDDING_DIMENSIONS"),
        ({"model": "text-embedding-ada-002", "dimensions": 256}, "PENCHANT_EMBEDDING_DIMENSIONS"),
        ({"model": "text-embedding-3-small", "dimensions": 3_072}, "PENCHANT_EMBEDDING_DIMENSIONS"),
        ({"model": "text-embedding-3-small", "dimensions": 0}, "PENCHANT_EMBEDDING_DIMENSIONS"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_told_before_anything_is_asked(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIEmbedder(**{"api_key": KEY, "clock": ManualClock(NOW), **settings})

    assert named in str(caught.value)
    assert KEY not in str(caught.value)


def test_an_examination_says_what_answers(embedder: OpenAIEmbedder, openai_stub: OpenaiStub) -> None:
    findings = embedder.examine()

    assert [(finding.subject, finding.health) for finding in findings] == [
        ("embedding", Health.OK),
        ("latency", Health.OK),
    ]
    assert "1536 dimensions" in findings[0].text
    assert openai_stub.calls[0].inputs == ["ok"]


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_an_examination_says_what_is_wrong_and_what_to_do(
    embedder: OpenAIEmbedder, openai_stub: OpenaiStub, status: int
) -> None:
    openai_stub.fail(status)

    (finding,) = embedder.examine()

    assert finding.health is Health.FAILED
    assert str(status) in finding.text
    assert finding.remedy


def test_the_client_is_loaded_at_the_first_use() -> None:
    program = """
import sys
from adapters.openai.embedder import OpenAIEmbedder
from adapters.system.system import SystemClock

embedder = OpenAIEmbedder(api_key="key", clock=SystemClock())
assert embedder.model and embedder.dimensions and "openai" not in sys.modules
"""

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_threads_share_an_embedder(embedder: OpenAIEmbedder) -> None:
    with ThreadPoolExecutor(8) as threads:
        vectors = list(threads.map(embedder.embed, [["tea"]] * 32))

    assert all(np.allclose(vector, vectors[0], atol=1e-3) for vector in vectors)
