"""Where requests are counted. The storages of the library, cheaper at what one request does: counting a few keys."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

from attrs import frozen
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.errors import StorageError
from redis import RedisError
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from domain.errors import ConfigurationError

SWEEP_SECONDS = 10.0

# The library's script for a key, for several: KEYS are counted up by one and live from their first for a time. ARGV has
# three values a key: its seconds, its limit, and whether a question begins with it.
_COUNT_ALL = """
local counts, passes = {}, true
for position, key in ipairs(KEYS) do
  local seconds, limit, begins = unpack(ARGV, 3 * position - 2, 3 * position)
  passes = passes or begins == '1'
  counts[position] = passes and redis.call('incr', key) or 0
  if counts[position] == 1 then redis.call('expire', key, seconds) end
  passes = passes and counts[position] <= tonumber(limit)
end
return counts
"""


Window = tuple[str, int, int]
"""What a window is counted under, its length in seconds, and how many requests may be in it."""


@frozen(kw_only=True, eq=False)
class _Question:
    windows: Sequence[Window]
    counts: "asyncio.Future[Sequence[int]]"


class SweptMemoryStorage(MemoryStorage):
    """Counts in this process.

    The library's looks through all keys at every request (42 ms with those of 100,000 users); this does so every ten
    seconds.
    """

    def __init__(self, sweep_seconds: float = SWEEP_SECONDS) -> None:
        super().__init__()
        self._sweep_seconds = sweep_seconds
        self._swept = 0.0

    async def count(self, windows: Sequence[Window]) -> Sequence[int]:
        """Count a request in these windows, up to the first that is full; return how many each has now, else 0.

        So who is refused by one limit uses up no other.
        """
        now = time.time()
        if now - self._swept >= self._sweep_seconds:
            self._swept = now
            for old in [old for old, end in self.expirations.items() if end <= now]:
                del self.storage[old], self.expirations[old]
        counts = [0] * len(windows)
        for position, (key, seconds, limit) in enumerate(windows):
            counts[position] = self._count_in(key, now, seconds)
            if counts[position] > limit:
                break
        return counts

    def _count_in(self, key: str, now: float, seconds: int) -> int:
        if self.expirations.get(key, 0.0) <= now:
            self.storage[key], self.expirations[key] = 0, now + seconds
        self.storage[key] += 1
        return int(self.storage[key])


class GatheringRedisStorage(RedisStorage):
    """Counts in Redis. What concurrent requests count while Redis is asked goes together with the next question.

    So each waits for one round trip or two, and they share its cost: a question of its own for each count takes more
    processor time (70 µs) than the rest of many a request. One connection is enough.

    Raises ConfigurationError if `url` is no address of a Redis.
    """

    def __init__(self, url: str, key_prefix: str, timeout_seconds: float) -> None:
        try:
            pool = ConnectionPool.from_url(
                url,
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
            )
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL has an option that is none: {error}. Correct it.") from error
        super().__init__(
            "async+redis://",
            implementation="redispy",
            key_prefix=key_prefix,
            connection_pool=cast("Any", pool),  # as documented, though not as typed
        )
        self._client: Any = Redis(connection_pool=pool)
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None

    async def count(self, windows: Sequence[Window]) -> Sequence[int]:
        """The same in Redis. Raises StorageError."""
        loop = asyncio.get_running_loop()
        question = _Question(windows=windows, counts=loop.create_future())
        self._waiting.append(question)
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await question.counts

    async def _ask(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._ask_for(waiting)
        finally:
            self._asking = None

    async def _ask_for(self, waiting: Sequence[_Question]) -> None:
        windows = [window for question in waiting for window in question.windows]
        keys = [self.bridge.prefixed_key(key) for key, _, _ in windows]
        values = [value for question in waiting for value in _values_of(question)]
        try:
            counts = iter(await self._client.eval(_COUNT_ALL, len(keys), *keys, *values))
        except (RedisError, OSError) as error:
            for question in waiting:
                if not question.counts.done():  # nobody waits for it any more
                    question.counts.set_exception(StorageError(error))
            return
        for question in waiting:
            found = [next(counts) for _ in question.windows]
            if not question.counts.done():
                question.counts.set_result(found)


def _values_of(question: _Question) -> Iterator[int]:
    for position, (_, seconds, limit) in enumerate(question.windows):
        yield from (seconds, limit, int(position == 0))
