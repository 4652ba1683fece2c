from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adapters.memory.broker import MemoryBroker
from application.relay import RelayOutbox
from domain.errors import TransientError
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
