"""Rate limits for each key and each user, in windows that begin at full seconds, minutes, hours or days."""

import hashlib
from collections.abc import Sequence

from limits import RateLimitItem, parse
from limits.errors import StorageError
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from adapters.limits.storages import GatheringRedisStorage, SweptMemoryStorage, Window
from application.circuit import Circuit
from application.ports.rate_limiter import Standing
from application.ports.system import Clock, Journal
from domain.errors import UnavailableError

KEY, USER = "key", "user"
TIMEOUT_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class RateLimits:
    """Counts in Redis, for all processes together, or in this process alone.

    Windows are fixed: everybody's begin at the same time, so that when one ends is known without asking, and one round
    trip tells all. In exchange a caller can send two windows' worth within one, around the moment when it ends.

    While Redis is out of reach this process counts alone, which the journal is told when that begins and ends.

    Parameters
    ----------
    per_key, per_user : such as "6000/minute"; None for no limit.
    redis_url : as redis-py takes it; None to count in this process.
    namespace : sets the counts of one installation apart from another's on the same Redis.
    """

    def __init__(
        self,
        *,
        per_key: str | None,
        per_user: str | None,
        redis_url: str | None,
        namespace: str,
        clock: Clock,
        journal: Journal,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._per_key = parse(per_key) if per_key is not None else None
        self._per_user = parse(per_user) if per_user is not None else None
        self._here = SweptMemoryStorage()
        prefix = f"penchant:{namespace}:limits"
        self._shared = GatheringRedisStorage(redis_url, prefix, timeout_seconds) if redis_url is not None else None
        self._circuit = Circuit(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._clock = clock
        self._journal = journal

    @property
    def counts_users(self) -> bool:
        return self._per_user is not None

    async def hit(self, key: str, user_id: str | None) -> Standing | None:
        now = self._clock.now().timestamp()
        asked: list[tuple[str, RateLimitItem, str]] = []
        if self._per_key is not None:
            asked.append((KEY, self._per_key, key))
        if self._per_user is not None and user_id is not None:
            asked.append((USER, self._per_user, user_id))
        if not asked:
            return None
        counts = await self._count([_window_of(item, whose, name, now) for whose, item, name in asked])
        standings = [_standing(whose, item, count, now) for (whose, item, _), count in zip(asked, counts, strict=True)]
        return min(standings, key=lambda standing: (not standing.exceeded, standing.remaining / standing.limit))

    async def _count(self, windows: Sequence[Window]) -> Sequence[int]:
        if self._shared is not None and self._circuit.closed_again_in(self._clock.monotonic()) == 0:
            try:
                counts = await self._shared.count(windows)
            except StorageError as error:
                self._failed(error.storage_error)
            else:
                self._succeeded()
                return counts
        return await self._here.count(windows)

    def _failed(self, error: Exception) -> None:
        if not self._circuit.is_open:
            self._journal.warning("rate_limits_alone", f"{_told(error)} Until then this process counts requests alone.")
        self._circuit.failed(self._clock.monotonic(), UnavailableError(type(error).__name__))

    def _succeeded(self) -> None:
        if self._circuit.is_open:
            self._journal.info("rate_limits_shared", "Redis is back: rate limits are counted there again.")
            self._circuit.succeeded()


def _told(error: Exception) -> str:
    """What is wrong with Redis and who mends it. Nothing of the error's text: it may quote a key."""
    if isinstance(error, AuthenticationError):
        return "Redis does not accept the user or the password; correct them in REDIS_URL."
    # A command that a script may not call is refused by no error of its own.
    if isinstance(error, NoPermissionError) or type(error) is ResponseError:
        return (
            f"Redis does not permit the user in REDIS_URL what counting needs ({type(error).__name__}); grant EVAL, "
            f"INCR and EXPIRE under penchant:* by ACL SETUSER."
        )
    return f"Redis (REDIS_URL) cannot count requests ({type(error).__name__}); start it, or see what it lacks."


def _window_of(item: RateLimitItem, whose: str, name: str, now: float) -> Window:
    """A window to count in. Ids are personal, so its name is a hash."""
    seconds = item.get_expiry()
    digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return item.key_for(whose, digest, int(now // seconds)), seconds, item.amount


def _standing(whose: str, item: RateLimitItem, count: int, now: float) -> Standing:
    seconds = item.get_expiry()
    return Standing(
        whose=whose,
        limit=item.amount,
        remaining=max(0, item.amount - count),
        resets_in_seconds=seconds - now % seconds,
        exceeded=count > item.amount,
    )
