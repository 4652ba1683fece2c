"""Redis in front of the stored phrase vectors: a dead, empty or full one costs speed and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from adapters.redis.entry import Entries
from adapters.redis.examination import examination
from application.circuit import Circuit
from application.ports.examinable import Finding
from application.ports.phrase_vectors import PhraseVectors
from application.ports.system import Clock, Metrics
from domain.errors import ConfigurationError, PenchantError, UnavailableError
from domain.vectors import Matrix, Vector

if TYPE_CHECKING:
    from adapters.redis.connection import RedisConnection

TTL_SECONDS = 7 * 86_400
MAX_PHRASES = 20_000
TIMEOUT_SECONDS = 0.2
AT_ONCE = 1_000
"""Entries read or written in one round trip: 6 MiB of 1,536 dimensions."""
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class RedisPhraseVectors:
    """What `inner` has stored, kept in Redis for a while. Threads may share it.

    Vectors are put into `inner` alone, and only what has been read back from there goes into Redis: of two processes
    that embed a phrase the first one stored wins, and no other vector is ever seen. Redis failing is never an error
    here: it is left alone for some seconds, and `inner` is asked. Reading and writing fail apart, so that a full Redis
    still gives what it has. If the database of `inner` is set back to a backup, empty the cache: it may know phrases
    that are not stored any more.

    Parameters
    ----------
    url : as redis-py takes it. Whether it can be reached is found out at the first use, or by `examine`.
    namespace : names the log, so that two installations on one Redis have nothing in common.
    dimensions : length of the vectors.
    ttl_seconds : how long an entry stays.
    max_phrases : entries of this namespace at the most; the oldest go first. In Redis 7 each takes 7.5 kB at 1,536
        dimensions and 1.6 kB at 256: 20,000 phrases are 150 MB and 33 MB.
    timeout_seconds : the longest silence of Redis that is waited for.

    Raises
    ------
    ConfigurationError : `url` is no address of a Redis.
    """

    def __init__(
        self,
        inner: PhraseVectors,
        *,
        url: str,
        namespace: str,
        dimensions: int,
        ttl_seconds: int = TTL_SECONDS,
        max_phrases: int = MAX_PHRASES,
        clock: Clock,
        metrics: Metrics,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._inner = inner
        self._url = url
        self._address = _address_of(url)
        self._entries = Entries(namespace=namespace, dimensions=dimensions)
        self._ttl_seconds = ttl_seconds
        self._max_phrases = max_phrases
        self._clock = clock
        self._metrics = metrics
        self._timeout_seconds = timeout_seconds
        self._reading = Circuit(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._writing = Circuit(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def get(self, model: str, phrases: Collection[str]) -> tuple[Sequence[str], Matrix]:
        wanted = list(dict.fromkeys(phrases))
        name_of = dict(zip(wanted, self._entries.names_of(model, wanted), strict=True))
        cached = self._read(name_of)
        missing = [phrase for phrase in wanted if phrase not in cached]
        known, matrix = list(cached), self._entries.matrix(list(cached.values()))
        if not missing:
            return known, matrix
        stored, fresh = self._inner.get(model, missing)
        self._write({name_of[phrase]: vector for phrase, vector in zip(stored, fresh, strict=True)})
        return (stored, fresh) if not known else ([*known, *stored], np.concatenate((matrix, fresh)))

    def put(self, model: str, phrases: Sequence[str], matrix: Matrix) -> None:
        self._inner.put(model, phrases, matrix)

    def examine(self) -> Sequence[Finding]:
        """Look at version, latency, memory and role of Redis."""
        return examination(lambda: self._connection, self._address, self._entries, self._max_phrases, self._clock)

    def close(self) -> None:
        """Close the connections to Redis; the next use opens them again."""
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            connection.close()

    def _read(self, name_of: Mapping[str, str]) -> Mapping[str, Vector]:
        """The vectors of the phrases that Redis has; none while it is out of reach."""
        if not name_of or self._reading.closed_again_in(self._clock.monotonic()) > 0:
            return {}
        names = list(name_of.values())
        values: list[bytes | None] = []
        try:
            for start in range(0, len(names), AT_ONCE):
                part = names[start : start + AT_ONCE]
                values.extend(self._connection.read([self._entries.prefix + name for name in part]))
        except PenchantError as error:
            self._failed(self._reading, error)
            return {}
        self._reading.succeeded()
        vectors = {
            phrase: vector
            for (phrase, name), value in zip(name_of.items(), values, strict=True)
            if (vector := self._entries.unpack(name, value)) is not None
        }
        self._metrics.count("penchant_phrase_cache_hits_total", len(vectors))
        self._metrics.count("penchant_phrase_cache_misses_total", len(name_of) - len(vectors))
        return vectors

    def _write(self, vectors: Mapping[str, Vector]) -> None:
        now = self._clock.monotonic()
        if not vectors or self._reading.closed_again_in(now) > 0 or self._writing.closed_again_in(now) > 0:
            return
        values = [(name, self._entries.pack(name, vector)) for name, vector in vectors.items()]
        try:
            for start in range(0, len(values), AT_ONCE):
                part = dict(values[start : start + AT_ONCE])
                self._connection.write(self._entries, part, self._ttl_seconds, self._max_phrases)
        except PenchantError as error:
            self._failed(self._writing, error)
        else:
            self._writing.succeeded()

    def _failed(self, circuit: Circuit, error: PenchantError) -> None:
        self._metrics.count("penchant_phrase_cache_errors_total")
        circuit.failed(self._clock.monotonic(), UnavailableError(str(error)))

    @cached_property
    def _connection(self) -> "RedisConnection":
        from adapters.redis.connection import RedisConnection  # 16 MiB, which most processes need not pay

        return RedisConnection(self._url, self._address, self._timeout_seconds)


def _address_of(url: str) -> str:
    """The address without its password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme == "unix" and parts.path:
        return f"unix://{parts.path}"
    if parts.scheme not in {"redis", "rediss"}:
        raise ConfigurationError("REDIS_URL is no address of a Redis; set one such as redis://:password@host:6379/0.")
    return (
        f"{parts.scheme}://{host if host is not None else 'localhost'}:{port if port is not None else 6379}{parts.path}"
    )
