"""The queues of the other consumers: their arguments, their retries, and what is dead and what only dropped."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adapters.rabbitmq.topology import DEAD_EVENTS, DEAD_EVENTS_QUEUE, EVENTS, FAILED, ROUTING_KEY, WORK, Topology
from application.ports.message_source import Delivery, Settled, Verdict
from application.ports.queues import GRAPH_QUEUE
from application.retry_policy import RetryPolicy
from domain.errors import PermanentError, TransientError
from domain.interaction import LoggedEvent
from tests.builders import viewed
from tests.integration.rabbitmq_parts import DEADLINE_SECONDS, QUICK, RabbitmqParts, other_program, receive
from tests.services.rabbitmq import RabbitmqServer
from tests.services.waiting import wait_until

TOPOLOGY = Topology(retry=QUICK, fan_out=(GRAPH_QUEUE,), fan_out_retry=RetryPolicy(delays_ms=(100, 200)))


@pytest.fixture(name="parts")
def fan_out_parts(rabbitmq_url: str) -> Iterator[RabbitmqParts]:
    """The parts on a fresh vhost, with a queue for the graph."""
    parts = RabbitmqParts(url=rabbitmq_url, topology=TOPOLOGY)
    parts.install()
    yield parts
    parts.close()


def _logged(count: int) -> list[LoggedEvent]:
    now = datetime.now(UTC)
    return [LoggedEvent(event=viewed(f"m{number}"), position=number, recorded_at=now) for number in range(1, count + 1)]


def _of_graph(parts: RabbitmqParts) -> object:
    return parts.topology.subscription(GRAPH_QUEUE)


def test_the_queues_have_exactly_the_arguments_that_others_rely_on(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    graph = rabbitmq_server.queue(parts.url, GRAPH_QUEUE)
    dead = rabbitmq_server.queue(parts.url, DEAD_EVENTS_QUEUE)

    assert graph.arguments == {
        "x-message-ttl": 86_400_000,
        "x-dead-letter-exchange": "events.dlx",
        "x-max-length": 100_000,
    }
    assert dead.arguments == {"x-message-ttl": 604_800_000}
    assert rabbitmq_server.queue(parts.url, f"{GRAPH_QUEUE}.retry.100").type == "quorum"


def test_each_consumer_gets_each_event_and_settles_it_for_itself(parts: RabbitmqParts) -> None:
    parts.publisher().publish(_logged(3))
    work, graph = parts.source(), parts.source(subscription=_of_graph(parts))

    of_work, of_graph = receive(work, 3), receive(graph, 3)
    work.settle([Settled(delivery=delivery, verdict=Verdict.APPLIED) for delivery in of_work])

    assert all(isinstance(delivery, Delivery) for delivery in of_graph)
    graph.close()
    assert len(receive(parts.source(subscription=_of_graph(parts)), 3)) == 3


def test_what_fails_comes_back_to_its_own_queue_and_dies_in_its_own_graveyard(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    parts.publisher().publish(_logged(1))
    graph = parts.source(subscription=_of_graph(parts))

    for attempts in range(3):
        [delivery] = receive(graph, 1)
        assert (delivery.attempts, isinstance(delivery, Delivery)) == (attempts, True)
        graph.settle([Settled(delivery=delivery, verdict=Verdict.LATER, error=TransientError("Not now."))])

    [letter] = parts.dead(1)
    assert (letter.queue, letter.message_id, letter.attempts) == (GRAPH_QUEUE, "m1", 3)
    assert rabbitmq_server.queue(parts.url, FAILED).ready == 0
    assert rabbitmq_server.queue(parts.url, WORK).ready == 1


def test_what_can_never_work_is_dead_at_once(parts: RabbitmqParts) -> None:
    parts.publisher().publish(_logged(1))
    graph = parts.source(subscription=_of_graph(parts))

    [delivery] = receive(graph, 1)
    graph.settle([Settled(delivery=delivery, verdict=Verdict.DEAD, error=PermanentError("Never."))])

    [letter] = parts.dead(1)
    assert (letter.error_type, letter.error_text) == ("PermanentError", "Never.")


def test_what_its_queue_has_only_dropped_is_no_dead_letter(rabbitmq_url: str, rabbitmq_server: RabbitmqServer) -> None:
    parts = RabbitmqParts(url=rabbitmq_url, topology=TOPOLOGY)
    with other_program(rabbitmq_url) as channel:
        # The same queue, but so small and impatient that it drops at once what it would drop after a day.
        channel.exchange_declare(DEAD_EVENTS, "fanout", durable=True, auto_delete=False)
        channel.exchange_declare(EVENTS, "fanout", durable=True, auto_delete=False)
        channel.queue_declare(
            DEAD_EVENTS_QUEUE, durable=True, auto_delete=False, arguments={"x-message-ttl": 604_800_000}
        )
        channel.queue_bind(DEAD_EVENTS_QUEUE, DEAD_EVENTS, DEAD_EVENTS)
        for name, limit in (("full", {"x-max-length": 1}), ("old", {"x-message-ttl": 1})):
            arguments = {"x-dead-letter-exchange": DEAD_EVENTS, **limit}
            channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
            channel.queue_bind(name, EVENTS, ROUTING_KEY)
    parts.install()
    parts.publisher().publish(_logged(3))
    wait_until(
        lambda: rabbitmq_server.queue(rabbitmq_url, DEAD_EVENTS_QUEUE).ready == 5, DEADLINE_SECONDS, "all to be dropped"
    )
    queue = parts.failed()

    assert queue.receive(10) == []

    wait_until(
        lambda: rabbitmq_server.queue(rabbitmq_url, DEAD_EVENTS_QUEUE).unacknowledged == 0,
        DEADLINE_SECONDS,
        "an empty queue",
    )
    parts.close()
    assert rabbitmq_server.queue(rabbitmq_url, DEAD_EVENTS_QUEUE).ready == 0
