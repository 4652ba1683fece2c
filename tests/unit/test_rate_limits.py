"""Rate limits in one process: what is counted, for whom, and until when."""

import asyncio
from datetime import timedelta

from adapters.limits.rate_limits import RateLimits
from adapters.limits.storages import SweptMemoryStorage
from adapters.memory.system import ManualClock, RememberedJournal
from application.ports.rate_limiter import Standing
from tests.builders import NOW
from tests.services.ports import LOOPBACK, free_port

MANY = 5_000


def limits(clock: ManualClock, per_key: str | None = None, per_user: str | None = None) -> RateLimits:
    journal = RememberedJournal()
    return RateLimits(
        per_key=per_key, per_user=per_user, redis_url=None, namespace="tests", clock=clock, journal=journal
    )


def hits(limiter: RateLimits, *callers: tuple[str, str | None]) -> list[Standing | None]:
    async def all_of_them() -> list[Standing | None]:
        return [await limiter.hit(key, user_id) for key, user_id in callers]

    return asyncio.run(all_of_them())


def test_a_key_may_send_as_many_requests_as_its_limit_says_and_no_more() -> None:
    found = hits(limits(ManualClock(NOW), per_key="3/minute"), *[("shop", None)] * 4)

    assert [standing.remaining for standing in found if standing] == [2, 1, 0, 0]
    assert [standing.exceeded for standing in found if standing] == [False, False, False, True]


def test_each_key_and_each_user_has_a_count_of_its_own() -> None:
    by_key = hits(limits(ManualClock(NOW), per_key="1/minute"), ("shop", "ann"), ("app", "ann"))
    by_user = hits(limits(ManualClock(NOW), per_user="1/minute"), ("shop", "ann"), ("shop", "bob"), ("shop", None))

    assert [standing.exceeded for standing in by_key if standing] == [False, False]
    assert [standing and standing.exceeded for standing in by_user] == [False, False, None]


def test_of_two_limits_the_one_that_is_nearest_to_its_end_is_told() -> None:
    limiter = limits(ManualClock(NOW), per_key="10/minute", per_user="2/hour")

    found = hits(limiter, *[("shop", "ann")] * 3, ("shop", "bob"))

    assert [(standing.whose, standing.exceeded) for standing in found if standing] == [
        ("user", False),
        ("user", False),
        ("user", True),
        ("user", False),
    ]


def test_what_a_key_sends_beyond_its_limit_uses_up_no_limit_of_a_user() -> None:
    limiter = limits(ManualClock(NOW), per_key="1/minute", per_user="3/minute")

    hits(limiter, *[("loud", "ann")] * 5)
    found = hits(limiter, ("shop", "ann"), ("app", "ann"), ("web", "ann"))

    assert [(standing.whose, standing.exceeded) for standing in found if standing] == [
        ("key", False),
        ("key", False),
        ("user", True),
    ]


def test_a_window_ends_with_the_minute_and_the_next_one_is_new() -> None:
    clock = ManualClock(NOW)
    limiter = limits(clock, per_key="1/minute")
    clock.advance(timedelta(seconds=59))

    found = hits(limiter, ("shop", None), ("shop", None))
    clock.advance(timedelta(seconds=1))
    found += hits(limiter, ("shop", None))

    told = [(standing.resets_in_seconds, standing.exceeded) for standing in found if standing]
    assert told == [(1, False), (1, True), (60, False)]


def test_counts_of_this_process_are_forgotten_once_their_window_has_ended() -> None:
    storage = SweptMemoryStorage(sweep_seconds=0)

    async def count() -> None:
        await storage.count([(str(number), -1, 1) for number in range(MANY)])
        await storage.count([("last", 60, 1)])

    asyncio.run(count())

    assert list(storage.expirations) == ["last"]


def test_however_often_redis_is_tried_in_vain_that_is_told_once() -> None:
    clock, journal = ManualClock(NOW), RememberedJournal()
    limiter = RateLimits(
        per_key="5/minute",
        per_user=None,
        redis_url=f"redis://{LOOPBACK}:{free_port()}/0",
        namespace="tests",
        clock=clock,
        journal=journal,
    )

    found = []
    for _ in range(3):
        found += hits(limiter, ("shop", None))
        clock.advance(timedelta(seconds=5))

    assert [standing.remaining for standing in found if standing] == [4, 3, 2]
    assert [action for action, _, _ in journal.entries] == ["rate_limits_alone"]
