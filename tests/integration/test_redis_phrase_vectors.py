"""Redis in front of the stored phrase vectors, on a real Redis that is flushed, stopped, frozen, full and damaged."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pytest
import redis

from adapters.memory.embedder import HashingEmbedder
from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.memory.system import CountingMetrics, ManualClock
from adapters.redis.phrase_vectors import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TIMEOUT_SECONDS,
    RedisPhraseVectors,
)
from application.phrases import EmbedPhrases
from application.ports.examinable import Finding, Health
from domain.errors import ConfigurationError
from domain.vectors import Matrix
from tests.builders import DIMENSIONS, NOW, unit_vectors
from tests.integration.canned_http import canned_http
from tests.services import NotOurs, Origin, RedisServer
from tests.services.ports import LOOPBACK, free_port
from tests.services.waiting import wait_until

PHRASES = ["green tea", "blue mug", "red pot"]
VECTORS = unit_vectors(3)
TTL_SECONDS = 3_600
DEADLINE_SECONDS = 4
"""Less than the client waits by itself for a server that is silent."""
PATIENT_SECONDS = 30.0
"""For a Redis that is there, on a machine that may be busy."""

HITS, MISSES, ERRORS = (f"penchant_phrase_cache_{what}_total" for what in ("hits", "misses", "errors"))


class WatchedPhraseVectors(MemoryPhraseVectors):
    """The stored vectors; remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.asked: list[list[str]] = []

    def get(self, model: str, phrases: Collection[str]) -> tuple[Sequence[str], Matrix]:
        self.asked.append(sorted(phrases))
        return super().get(model, phrases)


class CountedEmbedder(HashingEmbedder):
    """An embedding service that answers a little differently every time; counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Any:
        self.calls += 1
        return super().embed(texts) * (1 + 1e-3 * self.calls * np.arange(DIMENSIONS))


class Cached:
    """Phrase vectors that are stored, and a cache in front of them."""

    def __init__(self, url: str, stored: WatchedPhraseVectors, **settings: Any) -> None:
        self.clock = ManualClock(NOW)
        self.metrics = CountingMetrics()
        self.stored = stored
        fixed = {"namespace": "shop", "dimensions": DIMENSIONS, "ttl_seconds": TTL_SECONDS, "max_phrases": 100}
        fixed["timeout_seconds"] = PATIENT_SECONDS
        self.vectors = RedisPhraseVectors(
            stored, url=url, clock=self.clock, metrics=self.metrics, **{**fixed, **settings}
        )

    def get(self, *phrases: str, model: str = "m") -> dict[str, bytes]:
        found, matrix = self.vectors.get(model, phrases if phrases else PHRASES)
        return {phrase: row.tobytes() for phrase, row in zip(found, matrix, strict=True)}

    @property
    def findings(self) -> dict[str, Finding]:
        return {finding.subject: finding for finding in self.vectors.examine()}

    def wait_out_the_pause(self) -> None:
        self.clock.advance(timedelta(seconds=LONGEST_PAUSE_SECONDS))


EXPECTED = {phrase: vector.tobytes() for phrase, vector in zip(PHRASES, VECTORS, strict=True)}

Caches = Callable[..., Cached]


@pytest.fixture
def stored() -> WatchedPhraseVectors:
    """Three phrases are stored."""
    stored = WatchedPhraseVectors()
    stored.put("m", PHRASES, VECTORS)
    return stored


@pytest.fixture
def caches(redis_url: str, stored: WatchedPhraseVectors) -> Iterator[Caches]:
    """Makes caches in front of the stored vectors, as processes have them; they are closed at the end."""
    made: list[Cached] = []

    def make(url: str = redis_url, stored: WatchedPhraseVectors = stored, **settings: Any) -> Cached:
        made.append(Cached(url, stored, **settings))
        return made[-1]

    yield make
    for cached in made:
        cached.vectors.close()


@pytest.fixture
def cached(caches: Caches) -> Cached:
    """The cache, and nothing in it."""
    return caches()


@pytest.fixture
def warm(cached: Cached) -> Cached:
    """The cache with all three phrases in it."""
    assert cached.get() == EXPECTED
    cached.stored.asked.clear()
    cached.metrics.counters.clear()
    return cached


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Redis, as its operator sees it."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@contextmanager
def _configured(server: RedisServer, client: redis.Redis, **options: str) -> Iterator[None]:
    """The server with other options, until the block ends."""
    if server.origin == Origin.ENVIRONMENT:
        raise NotOurs("a server of the environment is not ours to configure")
    before = {name: client.config_get(name)[name] for name in options}
    for name, value in options.items():
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


def _vector_keys(client: redis.Redis) -> list[bytes]:
    return sorted(key for key in client.keys("*") if client.type(key) == b"string")


def _with_login(url: str, login: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.hostname}:{parts.port}"))


def test_what_was_read_once_comes_from_redis(cached: Cached) -> None:
    assert cached.get() == EXPECTED
    assert cached.get() == EXPECTED

    assert cached.stored.asked == [sorted(PHRASES)]
    assert cached.metrics.counters == {MISSES: 3, HITS: 3}


def test_another_process_finds_it_there(warm: Cached, caches: Caches) -> None:
    assert caches().get() == EXPECTED

    assert warm.stored.asked == []


def test_only_what_redis_lacks_is_read_from_the_store(warm: Cached) -> None:
    warm.stored.put("m", ["old cup"], unit_vectors(1, seed=9))

    found = warm.get("green tea", "old cup", "unknown", "blue mug")

    assert set(found) == {"green tea", "old cup", "blue mug"}
    assert warm.stored.asked == [["old cup", "unknown"]]
    assert warm.metrics.counters == {HITS: 2, MISSES: 2}


def test_what_is_not_stored_is_not_remembered_as_missing(cached: Cached) -> None:
    assert cached.get("old cup") == {}
    cached.vectors.put("m", ["old cup"], VECTORS[:1])

    assert cached.get("old cup") == {"old cup": VECTORS[0].tobytes()}


def test_of_two_processes_that_embed_a_phrase_the_first_one_stored_wins(caches: Caches) -> None:
    first, second = caches(), caches()
    mine, theirs = unit_vectors(2, seed=3)

    second.vectors.put("m", ["old cup"], theirs[None])
    first.vectors.put("m", ["old cup"], mine[None])

    for _ in range(2):
        assert first.get("old cup") == second.get("old cup") == {"old cup": theirs.tobytes()}


def test_a_vector_goes_into_redis_only_after_it_was_read_back_from_the_store(
    cached: Cached, client: redis.Redis
) -> None:
    cached.vectors.put("m", ["old cup"], VECTORS[:1])

    assert client.dbsize() == 0


def test_two_logs_on_one_redis_have_nothing_in_common(warm: Cached, caches: Caches) -> None:
    others = WatchedPhraseVectors()
    others.put("m", PHRASES[:2], unit_vectors(2, seed=7))
    other = caches(stored=others, namespace="other")

    for _ in range(2):
        assert set(other.get()) == set(PHRASES[:2])
        assert other.get("green tea") != warm.get("green tea")
    assert warm.get() == EXPECTED


def test_two_models_have_nothing_in_common(warm: Cached) -> None:
    assert warm.get(model="n") == {}


def test_every_key_goes_away_by_itself(warm: Cached, client: redis.Redis) -> None:
    assert warm.get() == EXPECTED

    assert client.dbsize() == 4
    for key in client.keys("*"):
        assert 0 < client.ttl(key) <= TTL_SECONDS


def test_no_phrase_is_to_be_seen_in_redis(warm: Cached, client: redis.Redis) -> None:
    assert warm.get() == EXPECTED

    everything = b" ".join([*client.keys("*"), *client.zrange("penchant:shop:phrases", 0, -1)])

    for word in ("green", "tea", "mug"):
        assert word.encode() not in everything


def test_there_are_never_more_entries_than_the_bound_and_the_newest_stay(caches: Caches, client: redis.Redis) -> None:
    cached = caches(max_phrases=10)
    phrases = [f"phrase {number:02}" for number in range(40)]
    cached.stored.put("m", phrases, unit_vectors(40))

    for first, last in [*pairwise(range(0, 24, 8)), *pairwise(range(16, 33)), (32, 40)]:
        cached.get(*phrases[first:last])
        assert len(_vector_keys(client)) <= 10
    cached.stored.asked.clear()
    cached.get(*phrases[32:])

    assert cached.stored.asked == []
    assert client.zcard("penchant:shop:phrases") == len(_vector_keys(client)) == 10


def test_more_phrases_than_the_bound_in_one_call_are_right_and_stay_within_it(
    caches: Caches, client: redis.Redis
) -> None:
    cached = caches(max_phrases=10)
    phrases = [f"phrase {number:04}" for number in range(2_500)]
    vectors = unit_vectors(2_500)
    cached.stored.put("m", phrases, vectors)

    for _ in range(2):
        assert cached.get(*phrases) == {p: v.tobytes() for p, v in zip(phrases, vectors, strict=True)}

    assert len(_vector_keys(client)) == 10


def test_a_smaller_bound_holds_for_what_is_there_already(warm: Cached, caches: Caches, client: redis.Redis) -> None:
    warm.stored.put("m", ["old cup"], unit_vectors(1, seed=9))

    caches(max_phrases=1).get("old cup")

    assert len(_vector_keys(client)) == 1


def test_entries_that_went_away_do_not_count(caches: Caches, client: redis.Redis) -> None:
    client.zadd("penchant:shop:phrases", {f"gone {number}": number for number in range(100)})
    cached = caches(max_phrases=3)

    assert cached.get() == EXPECTED

    assert len(_vector_keys(client)) == client.zcard("penchant:shop:phrases") == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda client, keys: [client.setrange(key, 7, b"!") for key in keys],
        lambda client, keys: [client.set(key, client.get(key)[:-1]) for key in keys],
        lambda client, keys: [client.append(key, b"!") for key in keys],
        lambda client, keys: [client.set(key, b"") for key in keys],
        lambda client, keys: [
            client.set(key, b"\0\0\0\0" + np.full(DIMENSIONS, np.nan, "<f4").tobytes()) for key in keys
        ],
        lambda client, keys: [client.set(key, client.get(keys[-1])) for key in keys[:-1]],
        lambda client, keys: [client.delete(key) and client.rpush(key, "a list") for key in keys],
    ],
    ids=["one byte", "too short", "too long", "empty", "NaN", "another phrase's", "another type"],
)
def test_what_is_no_vector_is_read_from_the_store_and_mended(
    warm: Cached, client: redis.Redis, damage: Callable[[redis.Redis, list[bytes]], Any]
) -> None:
    damage(client, _vector_keys(client))

    assert warm.get() == EXPECTED
    assert len(warm.stored.asked) == 1
    assert warm.get() == EXPECTED
    assert len(warm.stored.asked) == 1
    assert warm.metrics.counters[ERRORS] == 0


def test_something_else_in_place_of_the_index_is_replaced(warm: Cached, client: redis.Redis) -> None:
    client.set("penchant:shop:phrases", "not ours")
    client.delete(*[key for key in _vector_keys(client) if key != b"penchant:shop:phrases"])

    assert warm.get() == EXPECTED

    assert client.zcard("penchant:shop:phrases") == 3
    assert warm.metrics.counters[ERRORS] == 0


def test_an_emptied_redis_is_filled_again_and_no_phrase_is_embedded_twice(cached: Cached, client: redis.Redis) -> None:
    embedder = CountedEmbedder()
    embed = EmbedPhrases(embedder, cached.vectors, cached.clock, cached.metrics)
    assert embed(["x", "y"]) == {}
    before = cached.get("x", "y", model=embedder.model)

    client.flushdb()

    assert embed(["x", "y"]) == {}
    assert cached.get("x", "y", model=embedder.model) == before
    assert embedder.calls == 1
    assert client.dbsize() == 3


@pytest.mark.parametrize("trouble", ["stop", "kill", "pause"])
def test_a_redis_that_goes_away_costs_no_difference_and_no_second_embedding(
    caches: Caches, redis_server: RedisServer, trouble: str
) -> None:
    cached = caches(timeout_seconds=TIMEOUT_SECONDS)
    embedder = CountedEmbedder()
    embed = EmbedPhrases(embedder, cached.vectors, cached.clock, cached.metrics)
    assert embed(["x", "y"]) == {}
    before = cached.get("x", "y", model=embedder.model)

    getattr(redis_server, trouble)()
    try:
        assert embed(["x", "y"]) == {}
        assert cached.get("x", "y", model=embedder.model) == before
        assert embed(["z"]) == {}
    finally:
        redis_server.start()
    during = cached.get("z", model=embedder.model)
    cached.wait_out_the_pause()

    for _ in range(2):
        assert embed(["x", "y", "z"]) == {}
        assert cached.get("x", "y", model=embedder.model) == before
        assert cached.get("z", model=embedder.model) == during
    assert embedder.calls == 2


def test_after_a_failure_redis_is_left_alone_until_the_pause_has_passed(
    warm: Cached, redis_server: RedisServer
) -> None:
    redis_server.stop()
    for _ in range(5):
        assert warm.get() == EXPECTED
    assert warm.metrics.counters == {ERRORS: 1}
    assert warm.stored.asked == [sorted(PHRASES)] * 5

    redis_server.start()
    assert warm.get() == EXPECTED
    assert warm.metrics.counters == {ERRORS: 1}, "the pause has not passed yet"
    warm.wait_out_the_pause()
    assert warm.get() == EXPECTED
    assert warm.get() == EXPECTED

    assert warm.metrics.counters == {ERRORS: 1, MISSES: 3, HITS: 3}


def test_a_second_outage_costs_no_longer_pause_than_the_first(warm: Cached, redis_server: RedisServer) -> None:
    for _ in range(3):
        redis_server.stop()
        assert warm.get() == EXPECTED
        redis_server.start()
        warm.clock.advance(timedelta(seconds=FIRST_PAUSE_SECONDS))
        assert warm.get() == EXPECTED

    assert warm.metrics.counters == Counter({ERRORS: 3, MISSES: 9})


def test_a_redis_that_was_restarted_between_two_calls_is_used_at_once(warm: Cached, redis_server: RedisServer) -> None:
    redis_server.stop()
    redis_server.start()

    assert warm.get() == EXPECTED
    assert warm.get() == EXPECTED

    assert warm.metrics.counters == {MISSES: 3, HITS: 3}


def test_a_full_redis_still_gives_what_it_has(warm: Cached, redis_server: RedisServer, client: redis.Redis) -> None:
    warm.stored.put("m", ["old cup", "new cup"], unit_vectors(2, seed=9))
    options = {"maxmemory": "1", "maxmemory-policy": "noeviction"}

    with _configured(redis_server, client, **options):
        assert set(warm.get("old cup")) == {"old cup"}
        assert warm.get() == EXPECTED
        assert set(warm.get("new cup")) == {"new cup"}
        assert warm.metrics.counters[ERRORS] == 1, "it is not asked to take something again so soon"
        assert "maxmemory-policy" in warm.findings["memory"].remedy

    assert warm.stored.asked == [["old cup"], ["new cup"]]
    warm.wait_out_the_pause()
    warm.get("old cup")
    warm.get("old cup")
    assert warm.stored.asked == [["old cup"], ["new cup"], ["old cup"]]


def test_a_replica_still_gives_what_it_has_and_is_found_to_be_one(
    warm: Cached, redis_server: RedisServer, client: redis.Redis
) -> None:
    warm.stored.put("m", ["old cup"], unit_vectors(1, seed=9))
    if redis_server.origin == Origin.ENVIRONMENT:
        raise NotOurs("a server of the environment is not ours to configure")

    client.replicaof(LOOPBACK, free_port())
    try:
        assert set(warm.get("old cup")) == {"old cup"}
        assert warm.get() == EXPECTED
        role = warm.findings["role"]
    finally:
        client.replicaof("NO", "ONE")

    assert warm.metrics.counters[ERRORS] == 1
    assert role.health is Health.WARNING
    assert "REDIS_URL" in role.remedy


def test_a_user_who_may_only_read_still_reads(
    warm: Cached, caches: Caches, redis_url: str, redis_server: RedisServer, client: redis.Redis
) -> None:
    if redis_server.origin == Origin.ENVIRONMENT:
        raise NotOurs("a server of the environment is not ours to configure")
    client.acl_setuser(
        "reader", enabled=True, passwords=["+pass"], keys=["penchant:*"], commands=["+mget", "+ping", "+select"]
    )
    reader = caches(_with_login(redis_url, "reader:pass"))
    warm.stored.put("m", ["old cup"], unit_vectors(1, seed=9))
    try:
        assert reader.get() == EXPECTED
        assert set(reader.get("old cup")) == {"old cup"}
        (finding,) = reader.findings.values()
    finally:
        client.acl_deluser("reader")

    assert reader.metrics.counters == {HITS: 3, MISSES: 1, ERRORS: 1}
    assert finding.health is Health.FAILED
    assert "ACL SETUSER" in finding.text


def _wrong_password(url: str) -> str:
    return _with_login(url, "nobody:hidden")


def _wrong_port(url: str) -> str:
    return f"redis://user:hidden@{LOOPBACK}:{free_port()}/0"


def _wrong_number(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/99999"))


def _wrong_option(url: str) -> str:
    return f"{url}?socket_timeout=hidden"


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (_wrong_password, "password"),
        (_wrong_port, "cannot be reached"),
        (_wrong_number, "no database of that number"),
        (_wrong_option, "option"),
    ],
)
def test_a_wrong_address_costs_speed_and_an_examination_tells(
    caches: Caches, redis_url: str, spoilt: Callable[[str], str], says: str
) -> None:
    cached = caches(spoilt(redis_url))

    for _ in range(3):
        assert cached.get() == EXPECTED
    (finding,) = cached.findings.values()

    assert cached.metrics.counters == {ERRORS: 1}
    assert finding.health is Health.FAILED
    assert says in finding.text
    assert "REDIS_URL" in finding.text
    assert "hidden" not in finding.text
    assert finding.remedy


def test_something_that_is_no_redis_costs_speed_and_an_examination_tells(caches: Caches) -> None:
    with canned_http() as server:
        cached = caches(server.url.replace("http://", "redis://").removesuffix("/v1"))

        for _ in range(3):
            assert cached.get() == EXPECTED
        (finding,) = cached.findings.values()

    assert cached.metrics.counters == {ERRORS: 1}
    assert finding.health is Health.FAILED


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://[::1", "redis://host:port"])
def test_what_is_no_address_of_a_redis_is_told_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        Cached(url, WatchedPhraseVectors())


def test_an_examination_says_what_there_is(warm: Cached, redis_server: RedisServer) -> None:
    def all_well() -> dict[str, Finding]:
        findings = warm.findings
        return findings if {finding.health for finding in findings.values()} == {Health.OK} else {}

    findings = wait_until(all_well, PATIENT_SECONDS, "a moment in which Redis answers quickly")

    assert set(findings) == {"connection", "version", "latency", "memory", "role", "phrases"}
    assert redis_server.version in findings["version"].text
    assert findings["phrases"].text.startswith("3 of at most 100")


def test_a_frozen_redis_is_found_to_be_silent(caches: Caches, redis_server: RedisServer) -> None:
    cached = caches(timeout_seconds=TIMEOUT_SECONDS)
    redis_server.pause()
    try:
        with ThreadPoolExecutor(1) as thread:
            (finding,) = thread.submit(lambda: cached.findings).result(timeout=DEADLINE_SECONDS).values()
    finally:
        redis_server.resume()

    assert finding.health is Health.FAILED
    assert "did not answer" in finding.text


def test_threads_share_a_cache(caches: Caches) -> None:
    cached = caches()

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: cached.get(), range(64)))

    assert all(vectors == EXPECTED for vectors in found)
    assert cached.metrics.counters[ERRORS] == 0


def test_the_client_is_loaded_at_the_first_use() -> None:
    program = """
import sys
from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.memory.system import CountingMetrics
from adapters.redis.phrase_vectors import RedisPhraseVectors
from adapters.system.system import SystemClock

RedisPhraseVectors(MemoryPhraseVectors(2), url="redis://host", namespace="n", dimensions=2, clock=SystemClock(),
                   metrics=CountingMetrics())
assert "redis" not in sys.modules
"""

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
