"""Readiness: parts are asked seldom, however often it is asked."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Event

from adapters.memory.system import ManualClock
from application.ports.examinable import Health
from application.readiness import Readiness
from domain.errors import UnavailableError
from tests.builders import NOW
from tests.services.waiting import wait_until

CALLERS = 8
DEADLINE_SECONDS = 30.0
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

    ready = Readiness({"log": slow}, ManualClock(NOW), patience_seconds=DEADLINE_SECONDS)

    with ThreadPoolExecutor(CALLERS) as threads:
        told = list(threads.map(lambda _: ready()[0].health, range(CALLERS)))

    assert told == [Health.OK] * CALLERS
    assert part.asked == 1


def test_parts_are_asked_at_the_same_time() -> None:
    both_ask = Barrier(2)

    def asked() -> None:
        both_ask.wait(DEADLINE_SECONDS)

    ready = Readiness({"log": asked, "store": asked}, ManualClock(NOW), patience_seconds=DEADLINE_SECONDS)

    assert [finding.health for finding in ready()] == [Health.OK, Health.OK]


def test_a_part_that_no_request_needs_is_a_warning_while_it_is_away() -> None:
    log, graph = Part(), Part()
    ready = Readiness({"log": log}, ManualClock(NOW), beside={"graph": graph}, kept_seconds=0.0)

    def told() -> list[Health]:
        return [finding.health for finding in ready()]

    wait_until(lambda: told() == [Health.OK, Health.OK], DEADLINE_SECONDS, "both to be ready")
    graph.is_up = False
    wait_until(lambda: told() == [Health.OK, Health.WARNING], DEADLINE_SECONDS, "a warning")


def test_a_part_that_no_request_needs_is_not_waited_for_as_others_are() -> None:
    may_answer = Event()

    def slow() -> None:
        may_answer.wait(LONG_ENOUGH_SECONDS)

    ready = Readiness({"log": Part()}, ManualClock(NOW), beside={"graph": slow}, patience_seconds=DEADLINE_SECONDS)

    assert [finding.health for finding in ready()] == [Health.OK, Health.WARNING]
    may_answer.set()


def test_a_part_that_hangs_is_not_ready_and_is_asked_again_once_it_has_answered() -> None:
    part, may_answer, has_answered = Part(), Event(), Event()

    def hanging() -> None:
        assert may_answer.wait(DEADLINE_SECONDS)
        has_answered.set()
        part()

    ready = Readiness({"log": hanging}, ManualClock(NOW), kept_seconds=0.0, patience_seconds=0.01)

    told = [ready()[0] for _ in range(3)]
    part.is_up = False
    may_answer.set()
    assert has_answered.wait(DEADLINE_SECONDS)

    assert [(finding.health, finding.text) for finding in told] == [(Health.FAILED, "It does not answer in time.")] * 3
    wait_until(lambda: "out of reach" in ready()[0].text, DEADLINE_SECONDS, "the part to be asked again")
    part.is_up = True
    wait_until(lambda: ready()[0].health is Health.OK, DEADLINE_SECONDS, "the part to be ready")
