"""Phrases on a real embedding service over HTTP, whose vectors differ from call to call, and a real store of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from adapters.memory.system import CountingMetrics, ManualClock
from adapters.openai.embedder import OpenAIEmbedder
from adapters.redis.phrase_vectors import RedisPhraseVectors
from adapters.sql.database import Database, sqlite_url
from adapters.sql.phrase_vectors import SqlPhraseVectors
from adapters.sql.schema import SqlSchema
from application.phrases import EmbedPhrases
from application.ports.phrase_vectors import PhraseVectors
from domain.errors import ConfigurationError, PermanentError, UnavailableError
from domain.vectors import unit_rows
from tests.builders import NOW
from tests.services import OpenaiStub

DIMENSIONS = 64
PHRASES = [f"phrase {number}" for number in range(100)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[SqlPhraseVectors]:
    """Phrase vectors in SQLite."""
    database = Database(sqlite_url(tmp_path / "penchant.sqlite"), "DATABASE_URL")
    SqlSchema(database).upgrade()
    yield SqlPhraseVectors(database, DIMENSIONS)
    database.dispose()


@pytest.fixture
def embedder(openai_stub: OpenaiStub, clock: ManualClock) -> Iterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder(
        api_key=openai_stub.api_key, base_url=openai_stub.url, dimensions=DIMENSIONS, clock=clock, timeout_seconds=5
    )
    yield embedder
    embedder.close()


@pytest.fixture
def cached(redis_url: str, stored: SqlPhraseVectors, clock: ManualClock) -> Iterator[RedisPhraseVectors]:
    """Redis in front of SQLite."""
    cached = RedisPhraseVectors(
        stored, url=redis_url, namespace="shop", dimensions=DIMENSIONS, clock=clock, metrics=CountingMetrics()
    )
    yield cached
    cached.close()


@pytest.fixture
def embed(embedder: OpenAIEmbedder, stored: SqlPhraseVectors, clock: ManualClock) -> EmbedPhrases:
    return EmbedPhrases(embedder, stored, clock, CountingMetrics())


@pytest.fixture
def wait(clock: ManualClock) -> Callable[[float], None]:
    """Let that many seconds pass."""
    return lambda seconds: clock.advance(timedelta(seconds=seconds))


def _vectors(vectors: PhraseVectors, model: str) -> dict[str, bytes]:
    found, matrix = vectors.get(model, PHRASES)
    return {phrase: row.tobytes() for phrase, row in zip(found, matrix, strict=True)}


def test_a_phrase_keeps_its_vector_though_the_service_answers_differently_later(
    embedder: OpenAIEmbedder,
    cached: RedisPhraseVectors,
    stored: SqlPhraseVectors,
    clock: ManualClock,
    openai_stub: OpenaiStub,
    redis_url: str,
) -> None:
    embed = EmbedPhrases(embedder, cached, clock, CountingMetrics())
    assert embed(PHRASES) == {}
    first = _vectors(cached, embedder.model)

    assert embed(PHRASES) == {}
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    assert embed(PHRASES) == {}

    assert _vectors(cached, embedder.model) == _vectors(stored, embedder.model) == first
    assert openai_stub.call_count == 1
    again = unit_rows("text", embedder.embed(PHRASES), DIMENSIONS)
    assert {row.tobytes() for row in again}.isdisjoint(first.values()), "otherwise this test shows nothing"


def test_of_two_workers_that_embed_the_same_phrases_both_use_the_vectors_stored_first(
    embedder: OpenAIEmbedder, cached: RedisPhraseVectors, stored: SqlPhraseVectors, clock: ManualClock
) -> None:
    class Overtaken(OpenAIEmbedder):
        """Its answer arrives after another worker has embedded and stored the same."""

        def embed(self, texts: list[str]) -> object:  # type: ignore[override]
            answer = embedder.embed(texts)
            EmbedPhrases(embedder, cached, clock, CountingMetrics())(texts)
            self.others = _vectors(cached, self.model)
            return answer

    slow = Overtaken(api_key="unused", dimensions=DIMENSIONS, clock=clock)

    assert EmbedPhrases(slow, cached, clock, CountingMetrics())(PHRASES) == {}

    assert _vectors(cached, embedder.model) == _vectors(stored, embedder.model) == slow.others


def test_no_request_reaches_the_service_before_the_pause_that_it_asked_for(
    embed: EmbedPhrases, openai_stub: OpenaiStub, wait: Callable[[float], None]
) -> None:
    openai_stub.fail(429, retry_after=30, times=1)
    assert set(embed(PHRASES)) == set(PHRASES)

    for _ in range(29):
        wait(1)
        assert {type(error) for error in embed(PHRASES).values()} == {UnavailableError}
    assert openai_stub.call_count == 1

    wait(1)
    assert embed(PHRASES) == {}
    assert [len(call.inputs) for call in openai_stub.calls] == [100, 4, 96]


def test_in_a_storm_of_429_no_phrase_dies_and_afterwards_all_have_vectors(
    embed: EmbedPhrases, openai_stub: OpenaiStub, wait: Callable[[float], None]
) -> None:
    openai_stub.fail(429)

    for _ in range(300):
        failures = embed(PHRASES)
        assert len(failures) == len(PHRASES)
        assert all(isinstance(error, UnavailableError) for error in failures.values())
        wait(1)
    assert openai_stub.call_count == 10  # after 0, 1, 3, 7, 15, 31, 63, 123, 183, 243 seconds

    openai_stub.recover()
    wait(60)
    assert embed(PHRASES) == {}


def test_a_service_that_is_stopped_and_comes_back(
    embed: EmbedPhrases, openai_stub: OpenaiStub, wait: Callable[[float], None]
) -> None:
    openai_stub.stop()
    assert {type(error) for error in embed(PHRASES).values()} == {UnavailableError}

    openai_stub.start()
    wait(1)

    assert embed(PHRASES) == {}


def test_a_phrase_that_the_service_never_takes_fails_alone(
    embed: EmbedPhrases, openai_stub: OpenaiStub, embedder: OpenAIEmbedder, stored: SqlPhraseVectors
) -> None:
    refused = ""  # the only text that the stub refuses for what it is; no event has it

    failures = embed([*PHRASES, refused])

    assert {phrase: type(error) for phrase, error in failures.items()} == {refused: PermanentError}
    assert set(_vectors(stored, embedder.model)) == set(PHRASES)


def test_a_refused_key_fails_no_phrase_for_good(
    stored: SqlPhraseVectors, openai_stub: OpenaiStub, clock: ManualClock
) -> None:
    embedder = OpenAIEmbedder(api_key="sk-other", base_url=openai_stub.url, dimensions=DIMENSIONS, clock=clock)

    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        EmbedPhrases(embedder, stored, clock, CountingMetrics())(PHRASES)

    assert openai_stub.call_count == 1
    embedder.close()
