"""Readiness: parts are asked seldom, however often it is asked."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError

from adapters.memory.system import ManualClock
from application.ports.examinable import Health
from application.readiness import Readiness
from domain.errors import UnavailableError
from tests.builders import NOW

CALLERS = 8
LONG_ENOUGH_SECONDS = 0.5
"""For another thread to come, if it can."""


class Part:
    """Counts what it is asked, and answers as long as it is up."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_up = True

    def __call__(self) -> None:
        self.asked += 1
        if not self.is_up:
            raise UnavailableError("The part is out of reach.")


def test_a_part_is_asked_again_when_its_answer_is_a_second_old_and_not_before() -> None:
    clock, part = ManualClock(NOW), Part()
    ready = Readiness({"log": part}, clock)

    told = [ready()[0].health]
    part.is_up = False
    clock.advance(timedelta(seconds=0.9))
    told.append(ready()[0].health)
    clock.advance(timedelta(seconds=0.1))
    told.append(ready()[0].health)

    assert told == [Health.OK, Health.OK, Health.FAILED]
    assert part.asked == 2


def test_those_who_ask_while_a_part_is_asked_share_its_answer() -> None:
    part, two_ask = Part(), Barrier(2)

    def slow() -> None:
        part()
        with suppress(BrokenBarrierError):  # nobody else comes to ask
            two_ask.wait(LONG_ENOUGH_SECONDS)

    ready = Readiness({"log": slow}, ManualClock(NOW))

    with ThreadPoolExecutor(CALLERS) as threads:
        told = list(threads.map(lambda _: ready()[0].health, range(CALLERS)))

    assert told == [Health.OK] * CALLERS
    assert part.asked == 1
