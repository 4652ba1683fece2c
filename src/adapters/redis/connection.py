"""One Redis server: what is asked of it, and its errors in our words. Importing this loads the client."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from attrs import frozen
from redis.backoff import NoBackoff
from redis.retry import Retry

from adapters.redis.entry import Entries
from domain.errors import ConfigurationError, PenchantError, StorageFullError, TransientError, UnavailableError

READ_BYTES = 262_144
"""Read from the socket at once: a value has 6 KiB, and 500 are asked for."""
TRIMMED_AT_ONCE = 5_000
"""Entries removed in a call at the most, so that a smaller bound does not hold Redis up."""

# In Redis's own time, because the clocks of processes differ. The oldest go first, and so do names of entries that have
# gone away by themselves. Something else under the name of the index makes room for it.
_KEEP_IN_INDEX = f"""
local index, prefix, ttl, bound = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kind = redis.call('TYPE', index).ok
if kind ~= 'zset' and kind ~= 'none' then redis.call('UNLINK', index) end
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
for position = 4, #ARGV do
  redis.call('EXPIRE', prefix .. ARGV[position], ttl)
  redis.call('ZADD', index, now, ARGV[position])
end
redis.call('EXPIRE', index, ttl)
local excess = redis.call('ZCARD', index) - bound
if excess > 0 then
  local oldest = redis.call('ZPOPMIN', index, math.min(excess, {TRIMMED_AT_ONCE}))
  for position = 1, #oldest, 2 do redis.call('UNLINK', prefix .. oldest[position]) end
end
"""


@frozen(kw_only=True)
class RedisState:
    """What a Redis server says of itself, and how many entries of ours it has."""

    version: str
    used_memory_bytes: int
    max_memory_bytes: int
    """0 where there is no limit."""
    eviction_policy: str
    is_replica: bool
    entries: int


class RedisConnection:
    """Connections to one server. Threads may share it; nothing is tried twice.

    All calls raise UnavailableError when it cannot be reached or does not answer in time, ConfigurationError when the
    address, the password or the permissions are wrong, StorageFullError when it has no room, TransientError otherwise.
    """

    def __init__(self, url: str, address: str, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        try:
            self._client: redis.Redis = redis.Redis.from_url(
                url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=timeout_seconds,
                socket_read_size=READ_BYTES,
                socket_timeout=timeout_seconds,
            )
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL has an option that is none: {error}. Correct it.") from error

    def read(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """The value under each key, None where there is no value: one round trip."""
        with self._translated():
            values: Any = self._client.mget(keys)
            return list(values)

    def write(self, entries: Entries, values: Mapping[str, bytes], ttl_seconds: int, max_entries: int) -> None:
        """Keep these values by name, and of all entries the newest `max_entries`: one round trip, all or nothing."""
        with self._translated(), self._client.pipeline(transaction=True) as pipeline:
            # One command for all values: 500 SETs take twice as long.
            pipeline.mset({entries.prefix + name: value for name, value in values.items()})
            pipeline.eval(_KEEP_IN_INDEX, 1, entries.index, entries.prefix, ttl_seconds, max_entries, *values)
            pipeline.execute()

    def ping(self) -> None:
        """Ask whether it is there."""
        with self._translated():
            self._client.ping()

    def state(self, index: str) -> RedisState:
        """Ask it about itself."""
        with self._translated(), self._client.pipeline(transaction=False) as pipeline:
            for section in ("server", "memory", "replication"):
                pipeline.info(section)
            pipeline.zcard(index)
            server, memory, replication, entries = pipeline.execute(raise_on_error=False)
            for answer in (server, memory, replication):
                if isinstance(answer, Exception):
                    raise answer
            return RedisState(
                version=str(server.get("redis_version", "unknown")),
                used_memory_bytes=int(memory.get("used_memory", 0)),
                max_memory_bytes=int(memory.get("maxmemory", 0)),
                eviction_policy=str(memory.get("maxmemory_policy", "unknown")),
                is_replica=replication.get("role") == "slave",
                entries=entries if isinstance(entries, int) else 0,
            )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, OSError) as error:
            raise self._error_of(error) from error

    def _error_of(self, error: Exception) -> PenchantError:
        where = f"Redis at {self._address} (REDIS_URL)"
        if isinstance(error, redis.AuthenticationError):
            return ConfigurationError(f"{where} does not accept the user or the password; correct them in REDIS_URL.")
        if isinstance(error, redis.exceptions.NoPermissionError):
            return ConfigurationError(
                f"{where} does not permit this user what Penchant needs: MGET, MSET, EXPIRE, EVAL, INFO, and sorted "
                f"sets under penchant:*. Grant them by ACL SETUSER."
            )
        if isinstance(error, redis.TimeoutError):
            return UnavailableError(f"{where} did not answer within {self._timeout_seconds:g} s.")
        if isinstance(error, redis.exceptions.BusyLoadingError):
            return UnavailableError(f"{where} is still loading its data.")
        if isinstance(error, (redis.ConnectionError, OSError)):
            return UnavailableError(f"{where} cannot be reached; start it, or correct the address.")
        if isinstance(error, redis.exceptions.OutOfMemoryError):
            return StorageFullError(f"{where} is full; raise maxmemory, or set maxmemory-policy to allkeys-lru.")
        if isinstance(error, redis.exceptions.ReadOnlyError):
            return TransientError(f"{where} is a replica and takes no writes; name the primary in REDIS_URL.")
        if isinstance(error, redis.exceptions.InvalidResponse):
            return ConfigurationError(f"What answers at {self._address} (REDIS_URL) is no Redis; correct the address.")
        if "DB index is out of range" in str(error):
            return ConfigurationError(f"{where} has no database of that number; correct the end of REDIS_URL.")
        return TransientError(f"{where} refused a command: {type(error).__name__}.")
