from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

from attrs import define, field

from adapters.memory.event_log import MemoryEventLog
from application.flow import Flow, OutboxState, Part
from application.pace import Pace, WatchPace
from domain.errors import UnavailableError
from tests.builders import viewed
from tests.shop import Shop


@define
class Beside:
    """Answers when a test says so, or at once."""

    later: bool = False
    waiting: list[Callable[[], None]] = field(factory=list)
    asked: int = 0

    def __call__(self, question: Callable[[], int]) -> "Future[int]":
        answer: Future[int] = Future()
        self.asked += 1

        def run() -> None:
            try:
                answer.set_result(question())
            except UnavailableError as error:
                answer.set_exception(error)

        self.waiting.append(run)
        if not self.later:
            self.answer()
        return answer

    def answer(self) -> None:
        self.waiting.pop()()


def lagging(lag: int) -> Flow:
    """The flow with so many events in the outbox."""
    outbox = OutboxState(events=lag, oldest_seconds=0.0, dead_letters=0)
    return Flow(up=dict.fromkeys(Part, True), outbox=outbox, queues={})


def test_what_is_recorded_and_does_not_lag_is_applied(shop: Shop) -> None:
    watch = WatchPace(shop.log, shop.clock, Beside())
    assert watch(lagging(0)) is None
    _record(shop, 40)
    shop.clock.advance(timedelta(seconds=2))

    pace = watch(lagging(10))

    assert pace == Pace(recorded_per_second=20.0, applied_per_second=15.0, freshness_seconds=10 / 15)


def test_where_nothing_is_applied_freshness_is_not_known(shop: Shop) -> None:
    watch = WatchPace(shop.log, shop.clock, Beside())
    watch(lagging(0))
    _record(shop, 4)
    shop.clock.advance(timedelta(seconds=1))

    assert watch(lagging(4)) == Pace(recorded_per_second=4.0, applied_per_second=0.0, freshness_seconds=None)


def test_the_pace_is_that_of_the_last_ten_seconds(shop: Shop) -> None:
    watch = WatchPace(shop.log, shop.clock, Beside())
    watch(lagging(0))
    _record(shop, 100)
    for _ in range(20):
        shop.clock.advance(timedelta(seconds=1))
        pace = watch(lagging(0))

    assert pace is not None
    assert pace.recorded_per_second == 0.0


def test_a_log_that_takes_long_to_count_is_counted_a_twentieth_of_the_time(shop: Shop) -> None:
    beside = Beside(later=True)
    watch = WatchPace(shop.log, shop.clock, beside)
    watch(lagging(0))
    shop.clock.advance(timedelta(seconds=1))
    beside.answer()
    for _ in range(18):
        shop.clock.advance(timedelta(seconds=1))
        watch(lagging(0))
    assert beside.asked == 1

    shop.clock.advance(timedelta(seconds=1))
    watch(lagging(0))

    assert beside.asked == 2


def test_while_something_is_out_of_reach_there_is_no_pace(shop: Shop) -> None:
    watch = WatchPace(_Away(shop.storage.database), shop.clock, Beside())
    blind = Flow(up={}, outbox=None, queues=None)

    assert [watch(flow) for flow in (blind, lagging(0), lagging(1))] == [None] * 3


class _Away(MemoryEventLog):
    def count(self) -> int:
        raise UnavailableError("The log is away.")


def _record(shop: Shop, count: int) -> None:
    shop.record(*(viewed(f"m{n}") for n in range(count)))
