from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adapters.memory.broker import MemoryBroker
from adapters.memory.system import ManualStop, RememberedJournal
from application.relay import RelayOutbox, RunRelay
from domain.errors import TransientError, UnavailableError
from domain.interaction import LoggedEvent
from tests.builders import viewed
from tests.interleaving import Actor
from tests.shop import Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


class DeadBroker:
    """A broker that does not answer."""

    def publish(self, events: Sequence[LoggedEvent]) -> None:
        raise TransientError(f"The broker did not take {len(events)} events.")


def _relay(shop: Shop, broker: MemoryBroker | DeadBroker) -> RelayOutbox:
    return RelayOutbox(shop.outbox, broker, shop.clock, shop.metrics)


def test_events_go_from_the_outbox_to_the_broker_in_order(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"), viewed("m3"))
    broker = MemoryBroker()
    relay = _relay(shop, broker)

    assert [relay(2), relay(2), relay(2)] == [2, 1, 0]
    assert [delivery.logged.event.message_id for delivery in broker.receive(10)] == ["m1", "m2", "m3"]
    assert shop.outbox.depth() == 0


def test_while_the_broker_is_dead_the_outbox_keeps_everything(shop: Shop) -> None:
    shop.record(viewed("m1"))

    with pytest.raises(TransientError):
        _relay(shop, DeadBroker())(10)
    assert shop.outbox.depth() == 1


def test_a_relay_that_dies_after_it_has_published_publishes_twice_and_it_counts_once(
    shop: Shop, another: Another
) -> None:
    shop.record(viewed("m1"))
    broker = MemoryBroker()
    dying = another(lambda it: _relay(it, broker)(10))
    dying.run_to("MemoryOutbox.handing_over.commit")
    dying.kill()

    _relay(shop, broker)(10)
    report = shop.worker(broker).drain(1)

    assert report.deliveries == 2
    assert shop.state().event_count == 1


def test_several_relays_publish_nothing_zero_times(shop: Shop, another: Another) -> None:
    shop.record(viewed("m1"), viewed("m2"))
    broker = MemoryBroker()
    other = another(lambda it: _relay(it, broker)(10))
    other.run_to("MemoryOutbox.handing_over.commit")
    _relay(shop, broker)(10)
    other.run()

    assert {delivery.logged.event.message_id for delivery in broker.receive(10)} == {"m1", "m2"}
    assert shop.outbox.depth() == 0


class Flaky:
    """A broker that is out of reach some times, and asks the relay to end after the last event."""

    def __init__(self, broker: MemoryBroker, stop: ManualStop, away: int, events: int) -> None:
        self._broker, self._stop = broker, stop
        self._away, self._left = away, events

    def publish(self, events: Sequence[LoggedEvent]) -> None:
        if self._away:
            self._away -= 1
            raise UnavailableError("The broker is away.")
        self._broker.publish(events)
        self._left -= len(events)
        self._stop.asked = self._left == 0


def test_a_relay_pauses_while_the_broker_is_away_and_goes_on_until_it_is_asked_to_end(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}") for n in range(5)))
    broker, stop, journal = MemoryBroker(), ManualStop(shop.storage.clock), RememberedJournal()
    flaky = Flaky(broker, stop, away=3, events=5)
    relay = RelayOutbox(shop.outbox, flaky, shop.clock, shop.metrics)

    moved = RunRelay(relay, stop, shop.clock, shop.metrics, journal)(limit=2)

    assert (moved, shop.outbox.depth(), len(broker.receive(10))) == (5, 0, 5)
    assert [action for action, _, _ in journal.entries] == ["relay_paused"] * 3 + ["relay_resumed"]
