"""What can be wrong with the Redis in front of the phrase vectors."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adapters.redis.entry import Entries
from application.ports.examinable import Finding, Health
from application.ports.system import Clock
from domain.errors import PenchantError

if TYPE_CHECKING:
    from adapters.redis.connection import RedisConnection, RedisState

SLOW_SECONDS = 0.05
OVERHEAD_BYTES = 1_400
"""What Redis takes for an entry beside the vector, at 1,536 dimensions: key, time to live, index, ends of blocks."""
MIB = 2**20


def examination(
    connect: Callable[[], "RedisConnection"], address: str, entries: Entries, max_entries: int, clock: Clock
) -> Sequence[Finding]:
    """Ask for everything in two round trips. Raises nothing."""
    try:
        connection = connect()
        connection.ping()
        started = clock.monotonic()
        connection.ping()
        seconds = clock.monotonic() - started
        state = connection.state(entries.index)
    except PenchantError as error:
        remedy = (
            "Mend that, or unset REDIS_URL; until then phrase vectors come from the database alone, which is slower."
        )
        return [_finding("connection", Health.FAILED, str(error), remedy)]
    return [
        _finding("connection", Health.OK, f"Redis answers at {address}."),
        _finding("version", Health.OK, f"Redis {state.version}."),
        _latency(seconds),
        _memory(state, max_entries * (4 * entries.dimensions + OVERHEAD_BYTES)),
        _role(state),
        _finding("phrases", Health.OK, f"{state.entries:,} of at most {max_entries:,} phrase vectors are in it."),
    ]


def _latency(seconds: float) -> Finding:
    text = f"A round trip takes {seconds * 1_000:.1f} ms."
    if seconds <= SLOW_SECONDS:
        return _finding("latency", Health.OK, text)
    return _finding("latency", Health.WARNING, text, "The database may be quicker; use a nearer Redis, or none.")


def _memory(state: "RedisState", needed_bytes: int) -> Finding:
    limit = f"{state.max_memory_bytes / MIB:,.0f} MiB" if state.max_memory_bytes else "no limit"
    text = (
        f"{state.used_memory_bytes / MIB:,.0f} MiB used, {limit} (maxmemory), eviction {state.eviction_policy}; "
        f"phrase vectors take {needed_bytes / MIB:,.0f} MiB at the most."
    )
    if state.eviction_policy == "noeviction" and 0 < state.max_memory_bytes < needed_bytes:
        remedy = "Once it is full it takes no new vectors: set maxmemory-policy allkeys-lru, or raise maxmemory."
        return _finding("memory", Health.WARNING, text, remedy)
    return _finding("memory", Health.OK, text)


def _role(state: "RedisState") -> Finding:
    if state.is_replica:
        return _finding(
            "role", Health.WARNING, "It is a replica.", "Name the primary in REDIS_URL: it takes no writes."
        )
    return _finding("role", Health.OK, "It is a primary.")


def _finding(subject: str, health: Health, text: str, remedy: str = "") -> Finding:
    return Finding(part="Redis", subject=subject, health=health, text=text, remedy=remedy)
