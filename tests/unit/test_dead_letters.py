from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.system import CountingMetrics, RememberedJournal
from application.collect_dead_letters import TOLD_AT_ONCE, CollectDeadLetters, told_in
from application.dead_letter_office import RetryReport
from application.ports.dead_letter_queue import DeadDelivery
from application.ports.dead_letters import EVERY, DeadLetter, DeadLetterFilter
from domain.errors import UnavailableError
from tests.builders import NOW, searched, viewed
from tests.shop import Shop


def letter(message_id: str, body: bytes = b"{}", queue: str = "q", user_id: str | None = "ann") -> DeadLetter:
    return DeadLetter(
        message_id=message_id,
        user_id=user_id,
        queue=queue,
        body=body,
        error_type="InvalidValueError",
        error_text="it was wrong",
        attempts=1,
        first_failed_at=NOW,
        last_failed_at=NOW,
    )


@pytest.fixture
def dead(shop: Shop) -> Shop:
    """A shop with two searches that the embedder refused."""
    shop.embedder.refused.add("bad")
    shop.apply(searched("m1", "bad idea"), searched("m2", "bad habit", user_id="bob"), viewed("m3"))
    assert shop.dead_letters.count() == 2
    shop.clock.advance(timedelta(minutes=1))
    shop.embedder.refused.clear()
    return shop


def test_a_dead_letter_of_the_log_goes_into_the_outbox_and_counts_once_however_often_it_is_retried(dead: Shop) -> None:
    [m1] = dead.dead_letters.list(1, DeadLetterFilter(message_id="m1"))

    assert dead.retry_dead_letters(DeadLetterFilter(message_id="m1")) == RetryReport(retried=1)
    dead.dead_letters.add([m1])
    dead.retry_dead_letters(DeadLetterFilter(message_id="m1"))
    dead.work()

    assert dead.state().event_count == 2
    assert dead.dead_letters.count() == 1
    assert dead.verify.all().mismatches == ()


def test_all_dead_letters_are_retried_with_progress(dead: Shop) -> None:
    steps: list[int] = []

    report = dead.retry_dead_letters(EVERY, steps.append)
    dead.work()

    assert (report.retried, sum(steps), dead.dead_letters.count()) == (2, 2, 0)
    assert dead.verify.all().lag == 0


def test_what_fails_again_is_dead_again(dead: Shop) -> None:
    dead.embedder.refused.add("bad")

    dead.retry_dead_letters(EVERY)
    dead.work()

    assert dead.dead_letters.count() == 2


def test_a_letter_from_elsewhere_is_recorded_as_if_it_had_just_arrived(shop: Shop) -> None:
    body = b'{"user_id": "ann", "event_type": "view", "product_id": "tea"}'
    shop.dead_letters.add([letter("m9", body)])
    shop.clock.advance(timedelta(minutes=1))

    assert shop.retry_dead_letters(EVERY) == RetryReport(retried=1)
    shop.work()

    assert (shop.state().event_count, shop.dead_letters.count()) == (1, 0)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[1]", b"not json", b'{"user_id": "ann", "event_type": "teleport"}'])
def test_what_is_refused_again_stays_with_its_new_reason_and_is_tried_once(shop: Shop, body: bytes) -> None:
    shop.dead_letters.add([letter("m9", body)])
    shop.clock.advance(timedelta(minutes=1))

    report = shop.retry_dead_letters(EVERY)

    [stays] = shop.dead_letters.list(10)
    assert report == RetryReport(refused=1)
    assert (stays.attempts, stays.body, stays.last_failed_at) == (2, body, shop.clock.now())
    assert stays.error_text != "it was wrong"


class Queue:
    """A dead letter queue that is read again from the start until letters are forgotten."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        self.waiting = dict(enumerate(letters))

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        return [DeadDelivery(letter=letter, tag=tag) for tag, letter in list(self.waiting.items())[:limit]]

    def forget(self, tags: Collection[int]) -> None:
        for tag in tags:
            self.waiting.pop(tag)

    def close(self) -> None:
        pass


def test_what_the_broker_keeps_among_the_dead_is_collected_once() -> None:
    queue, dead_letters, metrics = (
        Queue([letter("m1"), letter("m2"), letter("m1")]),
        MemoryDeadLetters(),
        CountingMetrics(),
    )

    collected = CollectDeadLetters(queue, dead_letters, metrics)(page=2)

    assert (collected, dead_letters.count(), queue.waiting) == (3, 2, {})
    assert metrics.counters["penchant_dead_letters_collected_total"] == 3


class AwayOnce(MemoryDeadLetters):
    """Out of reach the first time."""

    away = True

    def add(self, letters: Sequence[DeadLetter]) -> None:
        if self.away:
            self.away = False
            raise UnavailableError("The database is away.")
        super().add(letters)


class HandsOutOnce(Queue):
    """Gives each letter away once, as a broker does on one connection."""

    def __init__(self, letters: Sequence[DeadLetter]) -> None:
        super().__init__(letters)
        self.given: set[int] = set()

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        fresh = [delivery for delivery in super().receive(limit) if delivery.tag not in self.given]
        self.given |= {delivery.tag for delivery in fresh}
        return fresh


def test_letters_that_could_not_be_kept_are_kept_the_next_time() -> None:
    queue, dead_letters = HandsOutOnce([letter("m1"), letter("m2")]), AwayOnce()
    collect = CollectDeadLetters(queue, dead_letters, CountingMetrics())
    with pytest.raises(UnavailableError):
        collect()

    assert collect() == 2
    assert (dead_letters.count(), queue.waiting) == (2, {})


def test_what_is_collected_is_told_and_a_reason_that_may_quote_what_was_sent_is_not() -> None:
    away = evolve(letter("m1"), error_type="UnavailableError", error_text="The database was away.")
    quoting = evolve(letter("m2"), error_text="event_type is 'red shoes'; send one of search, view")
    of_others = evolve(letter("m3"), error_type="TheirError", error_text="could not find red shoes")
    journal = RememberedJournal()

    list(
        CollectDeadLetters(Queue([away, quoting, of_others]), MemoryDeadLetters(), CountingMetrics()).pieces(
            on_kept=told_in(journal)
        )
    )

    assert [(action, sentence, fields["message_id"]) for action, sentence, fields in journal.entries] == [
        ("dead_letter_collected", "An event was given up: UnavailableError: The database was away.", "m1"),
        ("dead_letter_collected", "An event was given up: InvalidValueError", "m2"),
        ("dead_letter_collected", "An event was given up: TheirError", "m3"),
    ]
    assert "red shoes" not in str(journal.entries)


def test_a_flood_of_letters_is_told_in_part() -> None:
    journal = RememberedJournal()

    told_in(journal)([letter(f"m{number}") for number in range(100)])

    assert len(journal.entries) == TOLD_AT_ONCE
