"""When popularity is read: by the first call, and from then on beside the calls."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from threading import Event

import pytest

from adapters.memory.event_log import MemoryEventLog
from application.popular_products import KEPT_SECONDS, OLD_SECONDS, SPARING, PopularProducts
from application.ports.event_log import DailyCount
from domain.errors import TransientError
from tests.builders import viewed
from tests.services.waiting import wait_until
from tests.shop import BLEND, RECIPE, Shop, Storage

SECONDS = 30


class SlowLog(MemoryEventLog):
    """A log that may be held up or out of reach, and whose reading takes `takes` on the shop's clock."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage.database)
        self.clock = storage.clock
        self.takes = timedelta()
        self.is_down = False
        self.may_answer = Event()
        self.may_answer.set()
        self.asked = 0

    def daily_counts(self, since: datetime) -> Sequence[DailyCount]:
        self.asked += 1
        assert self.may_answer.wait(SECONDS)
        self.clock.advance(self.takes)
        if self.is_down:
            raise TransientError("The log does not answer; try again.")
        return super().daily_counts(since)


@pytest.fixture
def log(shop: Shop) -> Iterator[SlowLog]:
    log = SlowLog(shop.storage)
    yield log
    log.may_answer.set()


@pytest.fixture
def popular(log: SlowLog, shop: Shop) -> PopularProducts:
    """What was popular a moment ago: mug has been seen, and then hat."""
    popular = PopularProducts(log, RECIPE, BLEND, shop.clock)
    shop.apply(viewed("b1", "mug", "bob"))
    popular.ranking()
    shop.apply(viewed("b2", "hat", "bob"), viewed("b3", "hat", "cid"))
    return popular


def _wait_for_the_new_one(popular: PopularProducts) -> None:
    wait_until(lambda: popular.ranking() == ["hat", "mug"], SECONDS, "popularity to be read anew")


def test_popularity_is_read_once_a_minute(shop: Shop, log: SlowLog, popular: PopularProducts) -> None:
    shop.clock.advance(timedelta(seconds=KEPT_SECONDS - 1))
    asked = log.asked
    assert (popular.ranking(), log.asked) == (["mug"], asked)

    shop.clock.advance(timedelta(seconds=1))

    _wait_for_the_new_one(popular)


def test_nobody_waits_while_it_is_read_anew(shop: Shop, log: SlowLog, popular: PopularProducts) -> None:
    log.may_answer.clear()
    shop.clock.advance(timedelta(seconds=KEPT_SECONDS))

    assert [popular.ranking() for _ in range(3)] == [["mug"]] * 3

    log.may_answer.set()
    _wait_for_the_new_one(popular)


def test_what_is_hours_old_nobody_gets(shop: Shop, popular: PopularProducts) -> None:
    shop.clock.advance(timedelta(seconds=KEPT_SECONDS + OLD_SECONDS))

    assert popular.ranking() == ["hat", "mug"]


def test_what_took_long_to_read_is_kept_longer(shop: Shop, log: SlowLog) -> None:
    log.takes = timedelta(seconds=10)
    popular = PopularProducts(log, RECIPE, BLEND, shop.clock)
    popular.ranking()
    asked, began = log.asked, 10 * log.asked

    shop.clock.advance(timedelta(seconds=SPARING * began - began - 1))
    popular.ranking()
    assert log.asked == asked

    shop.clock.advance(timedelta(seconds=1))
    popular.ranking()
    wait_until(lambda: log.asked > asked, SECONDS, "popularity to be read anew")


def test_what_a_fast_clock_dates_tomorrow_counts_as_if_it_were_of_today(shop: Shop) -> None:
    shop.clock.advance(timedelta(hours=11, minutes=58))
    shop.apply(viewed("b1", "mug", "bob", age_days=-0.5), viewed("b2", "hat", "cid"))

    assert PopularProducts(shop.log, RECIPE, BLEND, shop.clock).ranking() == ["hat", "mug"]


def test_what_went_wrong_beside_is_told_to_the_next_and_tried_again(
    shop: Shop, log: SlowLog, popular: PopularProducts
) -> None:
    log.is_down = True
    shop.clock.advance(timedelta(seconds=KEPT_SECONDS))
    popular.ranking()

    def told() -> bool:
        try:
            return not popular.ranking()
        except TransientError:
            return True

    assert wait_until(told, SECONDS, "the failure")
    log.is_down = False
    _wait_for_the_new_one(popular)
