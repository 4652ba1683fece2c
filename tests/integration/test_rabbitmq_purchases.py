"""Purchases that overtake, on a queue of their own."""

from collections.abc import Iterator

import pytest

from adapters.rabbitmq.topology import PURCHASES, WORK, Topology
from tests.builders import bought, logged, searched, viewed
from tests.contract.receiving import applied, ids, later
from tests.integration.rabbitmq_parts import DEADLINE_SECONDS, QUICK, RabbitmqParts, receive
from tests.services import RabbitmqServer, wait_until


@pytest.fixture
def parts(rabbitmq_url: str) -> Iterator[RabbitmqParts]:
    parts = RabbitmqParts(url=rabbitmq_url, topology=Topology(retry=QUICK, purchases_first=True))
    parts.install()
    yield parts
    parts.close()


def test_purchases_are_handed_out_before_what_was_published_earlier_and_come_twice(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    parts.publisher().publish([logged(viewed(f"v{n}"), n) for n in range(1, 6)] + [logged(bought("bought"), 6)])
    source = parts.source()
    for queue in (WORK, PURCHASES):
        wait_until(lambda queue=queue: rabbitmq_server.queue(parts.url, queue).ready, DEADLINE_SECONDS, queue)
    assert list(source.receive(0)) == []  # opens the connection, so that both queues hand over what they have
    wait_until(lambda: rabbitmq_server.queue(parts.url, WORK).ready == 0, DEADLINE_SECONDS, "the work queue")
    wait_until(lambda: rabbitmq_server.queue(parts.url, PURCHASES).ready == 0, DEADLINE_SECONDS, "the purchases")

    deliveries = receive(source, 7)
    source.settle(applied(deliveries))

    assert ids(deliveries) == ["bought", "v1", "v2", "v3", "v4", "v5", "bought"]
    assert {d.logged.position for d in deliveries if d.logged.event.message_id == "bought"} == {6}
    source.close()
    assert rabbitmq_server.queue(parts.url, PURCHASES).ready == 0


def test_a_purchase_that_failed_comes_again_and_others_stay_where_they_are(parts: RabbitmqParts) -> None:
    source = parts.source()
    parts.publisher().publish([logged(bought("bought"), 1), logged(searched("searched"), 2)])
    deliveries = receive(source, 3)

    source.settle([*later(deliveries[:1]), *applied(deliveries[1:])])

    [again] = receive(source, 1)
    assert (ids([again]), again.attempts) == (ids(deliveries[:1]), 1)
