"""What every dead letter queue promises."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest

from application.ports.dead_letter_queue import DeadDelivery
from application.ports.message_source import Settled, Verdict
from domain.errors import PermanentError
from tests.builders import bought, logged, searched
from tests.contract import kombu_sides
from tests.contract.adapters import RETRY, Space
from tests.contract.kombu_sides import KombuSide
from tests.contract.receiving import dead, later, received
from tests.services.waiting import wait_until

DEADLINE_SECONDS = 20

SIDES: Mapping[str, Callable[[Space], KombuSide]] = {
    "rabbitmq": lambda space: kombu_sides.on_server(space.url("rabbitmq_url"), RETRY, space.closing),
    "kombu-redis": lambda space: kombu_sides.on_server(space.url("redis_url"), RETRY, space.closing),
    "kombu-memory": lambda space: kombu_sides.on_server(kombu_sides.MEMORY, RETRY, space.closing),
}
"""Brokers with a dead letter queue, each with a publisher and a source that fill it."""


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, space: Space) -> KombuSide:
    return SIDES[request.param](space)


def _bury(side: KombuSide, *message_ids: str) -> None:
    side.publisher.publish([logged(searched(message_id), n) for n, message_id in enumerate(message_ids, start=1)])
    deliveries = received(side.source, len(message_ids), kombu_sides.PATIENCE_SECONDS)
    side.source.settle(dead(deliveries))


def _dead(side: KombuSide, count: int) -> list[DeadDelivery]:
    found: list[DeadDelivery] = []

    def enough() -> bool:
        found.extend(side.failed.receive(count - len(found)))
        return len(found) == count

    wait_until(enough, DEADLINE_SECONDS, f"{count} dead letters")
    return found


def _ids(deliveries: Sequence[DeadDelivery]) -> list[str]:
    return [delivery.letter.message_id for delivery in deliveries]


def test_a_dead_letter_says_what_it_was_and_why_it_died(side: KombuSide) -> None:
    event = bought("m1", user_id="bob")
    side.publisher.publish([logged(event, 7)])
    started = side.clock.now()

    [delivery] = received(side.source, 1, kombu_sides.PATIENCE_SECONDS)
    side.source.settle(later([delivery], "away"))
    [delivery] = received(side.source, 1, kombu_sides.PATIENCE_SECONDS)
    side.source.settle([Settled(delivery=delivery, verdict=Verdict.DEAD, error=PermanentError("It never works."))])

    [found] = _dead(side, 1)
    letter = found.letter
    assert (letter.message_id, letter.user_id, letter.queue) == ("m1", "bob", "user_embedding_updates")
    assert (letter.error_type, letter.error_text, letter.attempts) == ("PermanentError", "It never works.", 2)
    assert b'"message_id":"m1"' in letter.body
    assert started <= letter.first_failed_at < letter.last_failed_at <= side.clock.now() + timedelta(seconds=1)


def test_dead_letters_come_oldest_first_and_no_more_than_were_asked_for(side: KombuSide) -> None:
    _bury(side, "m1", "m2", "m3")

    assert _ids(_dead(side, 2)) == ["m1", "m2"]
    assert _ids(_dead(side, 1)) == ["m3"]


def test_there_is_nothing_where_nothing_died(side: KombuSide) -> None:
    assert list(side.failed.receive(10)) == []


def test_what_is_kept_elsewhere_is_forgotten_and_the_rest_comes_again(side: KombuSide) -> None:
    _bury(side, "m1", "m2", "m3")
    first, _, third = _dead(side, 3)

    side.failed.forget([first.tag, third.tag])
    side.failed.close()

    assert _ids(_dead(side, 1)) == ["m2"]
    assert list(side.failed.receive(10)) == []


def test_forgetting_twice_or_after_a_reconnection_forgets_nothing_else(side: KombuSide) -> None:
    _bury(side, "m1", "m2")
    first, second = _dead(side, 2)
    side.failed.forget([first.tag])
    side.failed.close()
    _dead(side, 1)

    side.failed.forget([first.tag, second.tag])
    side.failed.close()

    assert _ids(_dead(side, 1)) == ["m2"]
