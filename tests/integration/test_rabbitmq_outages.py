"""RabbitMQ restarted, blocked, frozen and cut off, under a publisher and a consumer."""

import pytest

from adapters.rabbitmq.topology import WORK, Topology
from domain.errors import NotSetUpError, UnavailableError
from tests.builders import logged, searched
from tests.contract.receiving import applied, later
from tests.integration.rabbitmq_parts import (
    DEADLINE_SECONDS,
    ONE_DELAY,
    RabbitmqParts,
    connections,
    end_connections,
    other_program,
    parts_fixture,  # noqa: F401
    patiently,
    rabbitmqctl,
    receive,
)
from tests.services import Origin, RabbitmqServer, wait_until
from tests.services.ports import LOOPBACK, free_port

HEARTBEAT_SECONDS = 1.0
HEARTBEAT_BYTES = 8


def _events(count: int) -> list:
    return [logged(searched(f"m{number}"), number) for number in range(1, count + 1)]


def _positions(deliveries: list) -> list[int]:
    return sorted(delivery.logged.position for delivery in deliveries)


def _depth(server: RabbitmqServer, parts: RabbitmqParts, queue: str = WORK) -> int:
    info = server.queue(parts.url, queue)
    return info.ready + info.unacknowledged


def test_an_event_that_no_queue_takes_is_an_error(parts: RabbitmqParts) -> None:
    publisher = parts.publisher()
    with other_program(parts.url) as channel:
        channel.queue_unbind(WORK, "events", "user.event")

    with pytest.raises(NotSetUpError, match=r"no queue takes .*'events'.*penchant setup"):
        publisher.publish(_events(3))

    parts.install()
    publisher.publish(_events(3))
    assert _positions(receive(parts.source(), 3)) == [1, 2, 3]


def test_without_an_exchange_or_a_queue_the_error_names_setup(rabbitmq_url: str) -> None:
    parts = RabbitmqParts(url=rabbitmq_url)
    with pytest.raises(NotSetUpError, match=r"no exchange 'events'.*penchant setup"):
        parts.publisher().publish(_events(1))
    parts.install()
    with other_program(rabbitmq_url) as channel:
        channel.queue_delete(WORK)

    with pytest.raises(NotSetUpError, match=r"no queue 'user_embedding_updates'.*penchant setup"):
        parts.source().receive(1)
    parts.close()


def test_a_broker_that_refuses_a_message_is_an_error(parts: RabbitmqParts, rabbitmq_server: RabbitmqServer) -> None:
    definition = {"max-length": 1, "overflow": "reject-publish"}
    policy = {"pattern": f"^{WORK}$", "definition": definition, "apply-to": "queues"}
    rabbitmq_server.management("PUT", f"/api/policies/{parts.url.rpartition('/')[2]}/full", policy)
    publisher = parts.publisher()

    with pytest.raises(UnavailableError, match="has refused"):
        wait_until(lambda: publisher.publish(_events(5)), DEADLINE_SECONDS, "the broker to refuse what is too much")


def test_of_several_brokers_one_that_answers_is_taken(parts: RabbitmqParts) -> None:
    several = RabbitmqParts(url=f"amqp://{LOOPBACK}:{free_port()}/;{parts.url}", topology=parts.topology)

    several.publisher().publish(_events(1))

    assert _positions(receive(several.source(), 1)) == [1]
    several.close()


def test_a_cut_connection_is_one_error_and_what_was_not_settled_comes_again(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    source = parts.source()
    parts.publisher().publish(_events(10))
    deliveries = receive(source, 10)
    source.settle(applied(deliveries[:4]))
    end_connections(rabbitmq_server, parts.url, count=2)

    with pytest.raises(UnavailableError, match="RABBITMQ_DSN"):
        source.receive(10, wait_seconds=DEADLINE_SECONDS)
    source.settle(applied(deliveries[4:8]))  # of a connection that is gone: they come again

    assert _positions(receive(source, 6)) == [5, 6, 7, 8, 9, 10]


def test_a_publisher_whose_connection_was_cut_says_so_once_and_goes_on(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    publisher = parts.publisher()
    publisher.publish(_events(1))
    end_connections(rabbitmq_server, parts.url, count=1)

    with pytest.raises(UnavailableError):
        wait_until(lambda: publisher.publish(_events(1)), DEADLINE_SECONDS, "the publisher to see that it was cut off")
    publisher.publish(_events(1))


@pytest.mark.slow
def test_a_restart_of_the_broker_loses_nothing(rabbitmq_url: str, rabbitmq_server: RabbitmqServer) -> None:
    _ours(rabbitmq_server)
    parts = RabbitmqParts(url=rabbitmq_url, topology=Topology(retry=ONE_DELAY))
    parts.install()
    source, publisher = parts.source(), parts.publisher()
    publisher.publish(_events(100))
    first = receive(source, 50)
    source.settle(applied(first[:20]))
    source.settle(later(first[20:21]))

    rabbitmq_server.stop()
    with pytest.raises(UnavailableError):
        source.receive(100, wait_seconds=DEADLINE_SECONDS)
    with pytest.raises(UnavailableError):
        publisher.publish(_events(1))
    rabbitmq_server.start()

    after = receive(source, 80)
    source.settle(applied(after))
    assert _positions(after) == _positions(first[20:]) + list(range(51, 101))
    publisher.publish([logged(searched("m101"), 101)])
    assert _positions(receive(source, 1)) == [101]
    parts.close()


@pytest.mark.slow
def test_a_broker_that_is_short_of_memory_blocks_publishing_and_not_consuming(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    source, publisher = parts.source(), parts.publisher()
    publisher.publish(_events(5))
    deliveries = receive(source, 5)

    rabbitmqctl(rabbitmq_server, "set_vm_memory_high_watermark", "0")
    try:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="short of memory"):
                publisher.publish(_events(3_000))
        source.settle(applied(deliveries[:3]))
        with pytest.raises(UnavailableError, match="short of memory"):
            source.settle(later(deliveries[3:]))
        [alarm] = [f for f in parts.examination().examine() if f.subject == "publishing"]
        assert "short of memory" in alarm.text
    finally:
        rabbitmqctl(rabbitmq_server, "set_vm_memory_high_watermark", "0.4")

    wait_until(
        patiently(lambda: publisher.publish([logged(searched("m6"), 6)]) is None), DEADLINE_SECONDS, "the alarm to end"
    )
    wait_until(
        patiently(lambda: source.settle(later(deliveries[3:])) is None), DEADLINE_SECONDS, "retries to be taken again"
    )
    seen: set[int] = set()

    def all_came() -> bool:
        seen.update(delivery.logged.position for delivery in source.receive(1_000, wait_seconds=0.1))
        return seen >= {4, 5, 6}

    wait_until(all_came, DEADLINE_SECONDS, "retries and what was published after the alarm")


def test_a_broker_that_does_not_answer_any_more_is_an_error_within_its_time(
    rabbitmq_url: str, rabbitmq_server: RabbitmqServer
) -> None:
    _ours(rabbitmq_server)
    parts = RabbitmqParts(url=rabbitmq_url, timeout_seconds=1.0, heartbeat_seconds=HEARTBEAT_SECONDS)
    parts.install()
    source, publisher = parts.source(), parts.publisher()
    publisher.publish(_events(1))
    receive(source, 1)

    rabbitmq_server.pause()
    try:
        with pytest.raises(UnavailableError):
            publisher.publish(_events(1))
        with pytest.raises(UnavailableError):
            source.receive(1, wait_seconds=DEADLINE_SECONDS)
    finally:
        rabbitmq_server.resume()

    assert _positions(receive(source, 1)) == [1]
    parts.close()


@pytest.mark.slow
def test_the_heart_beats_while_the_consumer_computes(rabbitmq_url: str, rabbitmq_server: RabbitmqServer) -> None:
    parts = RabbitmqParts(url=rabbitmq_url, heartbeat_seconds=HEARTBEAT_SECONDS)
    parts.install()
    source = parts.source()
    parts.publisher().publish(_events(2))
    deliveries = receive(source, 2)

    def received_bytes() -> int:
        known = connections(rabbitmq_server, rabbitmq_url, count=2)
        return sum(connection.get("recv_oct", 0) for connection in known)

    before = received_bytes()
    beats = 2 * 6  # of two connections, more than the broker forgives the lack of
    wait_until(lambda: received_bytes() >= before + beats * HEARTBEAT_BYTES, DEADLINE_SECONDS, "heartbeats")
    source.settle(applied(deliveries))
    source.close()

    assert wait_until(lambda: _depth(rabbitmq_server, parts) == 0, DEADLINE_SECONDS, "the queue to be empty")
    parts.close()


def _ours(server: RabbitmqServer) -> None:
    if server.origin is Origin.ENVIRONMENT:
        pytest.skip("a RabbitMQ of the environment is not ours to stop")
