"""Retries and deaths on a real RabbitMQ."""

from datetime import UTC, datetime

import pytest

from adapters.rabbitmq.topology import FAILED, RETRY, WORK, Topology
from application.ports.message_source import Delivery
from application.retry_policy import RetryPolicy
from domain.errors import UnavailableError
from tests.builders import bought, logged, searched
from tests.contract.receiving import later, not_tried
from tests.integration.rabbitmq_parts import (
    DEADLINE_SECONDS,
    ONE_DELAY,
    RabbitmqParts,
    other_program,
    parts_fixture,  # noqa: F401
    receive,
    send,
)
from tests.services import NotOurs, RabbitmqServer, wait_until


def _one(deliveries: list) -> Delivery:
    [delivery] = deliveries
    assert isinstance(delivery, Delivery)
    return delivery


def test_retries_come_back_after_their_delay_and_die_after_the_last(parts: RabbitmqParts) -> None:
    retry = parts.topology.retry
    event = logged(bought("m1"), 7)
    source = parts.source()
    parts.publisher().publish([event])

    first_failed_at: set[datetime | None] = set()
    for attempts in range(retry.max_retries):
        delivery = _one(receive(source, 1))
        assert (delivery.logged, delivery.attempts) == (event, attempts)
        failed_at = datetime.now(UTC)
        source.settle(later([delivery], "away"))
        again = _one(receive(source, 1))
        assert datetime.now(UTC) - failed_at >= retry.delay_after(attempts)
        first_failed_at.add(again.first_failed_at)
        source.close()  # and with the next connection it is there still

    source.settle([])
    source.settle(later([_one(receive(source, 1))], "still away"))

    [letter] = parts.dead(1)
    assert (letter.message_id, letter.attempts) == ("m1", retry.max_retries + 1)
    assert (letter.error_type, letter.error_text) == ("TransientError", "still away")
    assert first_failed_at == {letter.first_failed_at}


def test_what_nobody_could_try_waits_in_the_queue_with_the_delay_that_was_asked_for(
    rabbitmq_url: str, rabbitmq_server: RabbitmqServer
) -> None:
    parts = RabbitmqParts(
        url=rabbitmq_url, topology=Topology(retry=RetryPolicy.doubling(max_retries=3, delay_ms=60_000))
    )
    parts.install()
    source = parts.source()
    parts.publisher().publish([logged(searched(f"m{number}"), number) for number in range(1, 5)])
    errors = [UnavailableError("away", retry_after_seconds=seconds) for seconds in (None, 100.0, 240.0, 3_600.0)]

    for delivery, error in zip(receive(source, 4), errors, strict=True):
        source.settle(not_tried([delivery], error))

    depths = {
        delay: rabbitmq_server.queue(rabbitmq_url, f"{RETRY}.{delay}").ready for delay in parts.topology.retry.delays_ms
    }
    assert depths == {60_000: 1, 120_000: 1, 240_000: 2}
    parts.close()


@pytest.mark.slow
def test_a_retry_survives_a_restart_of_the_broker_and_of_the_worker(
    rabbitmq_url: str, rabbitmq_server: RabbitmqServer
) -> None:
    parts = RabbitmqParts(url=rabbitmq_url, topology=Topology(retry=ONE_DELAY))
    parts.install()
    source = parts.source()
    parts.publisher().publish([logged(searched("m1"), 1)])
    source.settle(later(receive(source, 1)))
    source.close()

    try:
        rabbitmq_server.stop()
    except NotOurs as error:
        pytest.skip(str(error))
    rabbitmq_server.start()

    assert _one(receive(parts.source(), 1)).attempts == 1
    parts.close()


def test_what_the_broker_itself_gives_up_is_a_dead_letter_with_the_broker_s_reason(parts: RabbitmqParts) -> None:
    parts.publisher().publish([logged(bought("m1", user_id="bob"), 1)])
    with other_program(parts.url) as channel:
        wait_until(lambda: channel.queue_declare(WORK, passive=True).message_count, DEADLINE_SECONDS, "the message")
        channel.basic_reject(channel.basic_get(WORK).delivery_tag, requeue=False)

    [letter] = parts.dead(1)

    assert (letter.message_id, letter.user_id, letter.queue) == ("m1", "bob", WORK)
    assert (letter.error_type, letter.error_text) == (
        "Rejected",
        f"A consumer rejected it (rejected, queue '{WORK}').",
    )


def test_a_message_that_workers_die_over_reaches_the_dead_letters_where_the_broker_has_a_limit(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    vhost = parts.url.rpartition("/")[2]
    policy = {"pattern": f"^{WORK}$", "definition": {"delivery-limit": 2}, "apply-to": "queues"}
    rabbitmq_server.management("PUT", f"/api/policies/{vhost}/limit", policy)
    source = parts.source()
    parts.publisher().publish([logged(searched("m1"), 1)])

    for _ in range(3):
        receive(source, 1)
        source.close()

    [letter] = parts.dead(1)
    assert (letter.message_id, letter.queue, letter.error_type) == ("m1", WORK, "DeliveryLimitReached")


def test_a_stranger_s_message_in_the_dead_letter_queue_is_kept_with_its_body(parts: RabbitmqParts) -> None:
    send(parts.url, b"\xff", exchange=FAILED, routing_key="whatever", timestamp=1_767_225_600)

    [letter] = parts.dead(1)

    assert (letter.message_id, letter.user_id) == ("body-a8100ae6aa1940d0b663bb31cd466142", None)
    assert (letter.body, letter.queue, letter.error_type) == (b"\xff", FAILED, "Unknown")
    assert letter.first_failed_at == datetime.fromtimestamp(1_767_225_600, UTC)


def test_nonsense_in_the_headers_of_a_dead_letter_is_survived(parts: RabbitmqParts) -> None:
    headers = {
        "x-penchant-error-type": "Forged",
        "x-penchant-attempts": "many",
        "x-penchant-first-failed-at": 7,
        "x-penchant-queue": ["a"],
        "x-death": [{"reason": 7}],
    }
    before = datetime.now(UTC)

    send(parts.url, b"{}", exchange=FAILED, routing_key="", application_headers=headers)
    send(parts.url, b"{}", exchange=FAILED, routing_key="", application_headers={"x-death": ["what", {"time": "noon"}]})

    first, second = parts.dead(2)
    assert (first.error_type, first.attempts, first.queue) == ("Forged", 0, FAILED)
    assert first.first_failed_at >= before
    assert (second.queue, second.attempts) == (FAILED, 0)


def test_a_retry_is_acknowledged_only_when_the_broker_has_it(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    source = parts.source()
    parts.publisher().publish([logged(searched("m1"), 1)])
    deliveries = receive(source, 1)
    with other_program(parts.url) as channel:
        for delay in parts.topology.retry.delays_ms:
            channel.queue_delete(f"{RETRY}.{delay}")

    with pytest.raises(Exception, match="penchant setup"):
        source.settle(later(deliveries))
    source.close()
    parts.install()

    assert _one(receive(source, 1)).logged.position == 1
