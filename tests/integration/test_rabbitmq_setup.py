"""What `penchant setup` makes on a real RabbitMQ, and what it and `doctor` say when it cannot."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.message_source import KombuMessageSource
from adapters.rabbitmq.topology import FAILED, RETRY, WORK, Topology
from adapters.system.system import SystemClock
from application.ports.examinable import Health
from application.ports.message_source import Capability
from application.retry_policy import RetryPolicy
from domain.errors import ConfigurationError, NotSetUpError, PenchantError, UnavailableError
from tests.builders import logged, searched
from tests.contract.receiving import later
from tests.integration.rabbitmq_parts import RabbitmqParts, other_program, receive
from tests.services import RabbitmqServer, wait_until
from tests.services.ports import LOOPBACK, free_port

DEFAULT = Topology()
CLASSIC = Topology(queue_type="classic", retry=RetryPolicy.doubling(max_retries=1, delay_ms=100))


@pytest.fixture
def parts(rabbitmq_url: str) -> Iterator[RabbitmqParts]:
    parts = RabbitmqParts(url=rabbitmq_url, topology=DEFAULT)
    yield parts
    parts.close()


def _changed(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))


def test_setup_makes_everything_and_says_so_and_the_second_time_nothing(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    made = parts.install()
    again = parts.install()

    delays = [f"{RETRY}.{delay}" for delay in (5_000, 10_000, 20_000, 40_000, 80_000)]
    assert rabbitmq_server.queues(parts.url) == sorted([WORK, FAILED, *delays])
    assert len(made) == len(set(made)) == 11
    assert "Made the quorum queue 'user_embedding_updates'." in made
    assert "Made the fanout exchange 'events'." in made
    assert list(again) == []


def test_the_queues_are_what_other_systems_expect(parts: RabbitmqParts, rabbitmq_server: RabbitmqServer) -> None:
    parts.install()

    work = rabbitmq_server.queue(parts.url, WORK)
    delay = rabbitmq_server.queue(parts.url, f"{RETRY}.5000")
    assert work.type == "quorum"
    assert work.arguments == {"x-queue-type": "quorum", "x-dead-letter-exchange": FAILED}
    assert delay.arguments == {
        "x-queue-type": "quorum",
        "x-message-ttl": 5_000,
        "x-dead-letter-exchange": RETRY,
        "x-dead-letter-routing-key": WORK,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def test_only_what_is_missing_is_made(parts: RabbitmqParts) -> None:
    parts.install()
    with other_program(parts.url) as channel:
        channel.queue_delete(FAILED)

    assert list(parts.install()) == ["Made the quorum queue 'failed'."]


def test_a_queue_that_exists_as_classic_is_an_error_with_both_remedies(parts: RabbitmqParts) -> None:
    with other_program(parts.url) as channel:
        channel.queue_declare(WORK, durable=True, auto_delete=False)

    with pytest.raises(ConfigurationError) as caught:
        parts.install()

    text = str(caught.value)
    assert re.search(
        "the queue 'user_embedding_updates' exists with another 'x-(queue-type|dead-letter-exchange)'", text
    )
    for remedy in ("drain and delete", "PENCHANT_QUEUE_TYPE=classic", "auto_setup: false", "RABBITMQ_DSN"):
        assert remedy in text
    [found] = [f for f in parts.examination().examine() if f.subject == f"queue {WORK}"]
    assert found.health is Health.FAILED
    assert "PENCHANT_QUEUE_TYPE=classic" in found.text


def test_an_exchange_of_another_type_is_an_error(parts: RabbitmqParts) -> None:
    with other_program(parts.url) as channel:
        channel.exchange_declare("events", "topic", durable=True, auto_delete=False)

    with pytest.raises(ConfigurationError, match="the exchange 'events' exists with another 'type'"):
        parts.install()


@pytest.mark.parametrize("arguments", [None, {}, {"x-dead-letter-exchange": FAILED}])
def test_classic_queues_work_too_also_those_of_another_program(
    rabbitmq_url: str, rabbitmq_server: RabbitmqServer, arguments: dict[str, str] | None
) -> None:
    if arguments is not None:
        with other_program(rabbitmq_url) as channel:
            channel.queue_declare(WORK, durable=True, auto_delete=False, arguments=arguments)
    parts = RabbitmqParts(url=rabbitmq_url, topology=CLASSIC)
    parts.install()
    source = parts.source()
    parts.publisher().publish([logged(searched("m1"), 1)])

    source.settle(later(receive(source, 1)))
    source.settle(later(receive(source, 1), "away"))

    assert rabbitmq_server.queue(rabbitmq_url, WORK).type == "classic"
    assert set(Capability) - source.capabilities == {Capability.RETRIED_SAFELY}
    assert [letter.error_text for letter in parts.dead(1)] == ["away"]
    assert list(parts.install()) == []
    findings = parts.examination().examine()
    assert {finding.health for finding in findings} == {Health.OK}
    assert [f.text for f in findings if f.subject == "delivery limit" and "comes again for ever" in f.text]
    parts.close()


def test_all_is_well_after_setup_while_somebody_works(parts: RabbitmqParts) -> None:
    parts.install()
    parts.source().receive(1)

    findings = parts.examination().examine()

    assert parts.source().capabilities == set(Capability)
    assert {finding.health for finding in findings} == {Health.OK}
    assert {finding.subject for finding in findings} >= {
        "connection",
        "version",
        "latency",
        "topology",
        "delivery limit",
        "depth of failed",
        "publishing",
    }


def test_doctor_changes_nothing_and_names_what_is_missing(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    findings = parts.examination().examine()

    assert rabbitmq_server.queues(parts.url) == []
    missing = {f.subject for f in findings if f.text == "It is missing." and "penchant setup" in f.remedy}
    assert {f"queue {WORK}", f"queue {FAILED}", "exchange events"} <= missing


def test_doctor_says_when_messages_wait_for_nobody(parts: RabbitmqParts, rabbitmq_server: RabbitmqServer) -> None:
    parts.install()
    parts.publisher().publish([logged(searched("m1"), 1)])
    wait_until(lambda: rabbitmq_server.queue(parts.url, WORK).ready, 20, "the message")

    [depth] = [f for f in parts.examination().examine() if f.subject == f"depth of {WORK}"]

    assert (depth.health, depth.remedy) == (Health.WARNING, "Start a worker: penchant worker.")


def test_doctor_says_that_no_worker_runs_before_anything_waits_for_one(parts: RabbitmqParts) -> None:
    parts.install()

    idle = {f.subject: f for f in parts.examination().examine() if f.health is not Health.OK}

    assert list(idle) == [f"depth of {WORK}"]
    assert "No worker runs." in idle[f"depth of {WORK}"].text
    assert "penchant worker" in idle[f"depth of {WORK}"].remedy


def test_a_user_who_may_not_is_told_which_permission_is_missing(
    parts: RabbitmqParts, rabbitmq_server: RabbitmqServer
) -> None:
    parts.install()
    with rabbitmq_server.user(parts.url, write=".*", read=".*") as url:
        limited = RabbitmqParts(url=url, topology=DEFAULT)
        assert {f.health for f in limited.examination().examine() if f.subject.startswith("queue")} == {Health.WARNING}
        with pytest.raises(ConfigurationError, match=r"(?s)ACCESS_REFUSED.*permission"):
            limited.install()
        limited.publisher().publish([logged(searched("m1"), 1)])
        assert len(receive(limited.source(), 1)) == 1
        limited.close()
    with rabbitmq_server.user(parts.url, configure=".*") as url:
        mute = RabbitmqParts(url=url, topology=DEFAULT)
        with pytest.raises(ConfigurationError, match="ACCESS_REFUSED"):
            mute.publisher().publish([logged(searched("m1"), 1)])
        with pytest.raises(ConfigurationError, match="ACCESS_REFUSED"):
            mute.source().receive(1)
        mute.close()


def test_a_wrong_password_is_one_paragraph_without_it(rabbitmq_url: str) -> None:
    netloc = urlsplit(rabbitmq_url).netloc.rpartition("@")[2]

    text = _trouble(_changed(rabbitmq_url, netloc=f"penchant:not-the-password@{netloc}"), ConfigurationError)

    assert "refused the user or the password" in text
    assert "not-the-password" not in text


def test_a_missing_virtual_host_is_one_paragraph(rabbitmq_url: str) -> None:
    text = _trouble(_changed(rabbitmq_url, path="/there-is-none"), ConfigurationError)

    assert "virtual host" in text
    assert "there-is-none" in text


def test_a_broker_that_is_not_there_is_one_paragraph() -> None:
    text = _trouble(f"amqp://penchant:secret-word@{LOOPBACK}:{free_port()}/", UnavailableError)

    assert "cannot be reached" in text
    assert "secret-word" not in text


@pytest.mark.parametrize(
    "url",
    ["amqp://u:secret-word@host:port/", "amqp://u:secret-word@[host/", "http://u:secret-word@host/", "secret-word"],
)
def test_what_is_no_address_is_one_paragraph_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="RABBITMQ_DSN") as caught:
        Broker(url=url)
    assert "u:secret" not in str(caught.value)
    assert "secret-word@" not in str(caught.value)


def _trouble(url: str, kind: type[PenchantError]) -> str:
    source = KombuMessageSource(Broker(url=url), DEFAULT, SystemClock())
    parts = RabbitmqParts(url=url, topology=DEFAULT)
    with pytest.raises(kind) as caught:
        source.receive(1)
    with pytest.raises(kind):
        parts.install()
    [finding] = parts.examination().examine()
    assert (finding.health, finding.subject) == (Health.FAILED, "connection")
    text = str(caught.value)
    assert "RABBITMQ_DSN" in text
    assert "\n" not in text
    return text


def test_retries_that_would_have_no_queue_are_an_error_at_the_first_receive(parts: RabbitmqParts) -> None:
    parts.install()
    other_delays = Topology(retry=RetryPolicy.doubling(max_retries=1, delay_ms=123))
    source = KombuMessageSource(Broker(url=parts.url), other_delays, SystemClock())

    with pytest.raises(NotSetUpError, match="penchant setup"):
        source.receive(10)
