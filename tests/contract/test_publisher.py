"""What every publisher promises: what it took is with the broker."""

from application.ports.message_source import MessageSource
from application.ports.publisher import Publisher
from tests.builders import bought, logged, retraction, searched


def test_whatever_was_published_is_delivered(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    event = bought("m1", properties={"a": [1, "🧁"]}, user_session="s")
    events = [logged(event, 1), logged(searched("m2", "قميص 🧁"), 2), logged(retraction("m3", event), 3)]

    publisher.publish(events[:2])
    publisher.publish(events[2:])

    assert [delivery.logged for delivery in source.receive(10)] == events


def test_an_event_published_again_is_delivered_at_least_once(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    event = logged(searched("m1"), 1)

    publisher.publish([event])
    publisher.publish([event])

    assert {delivery.logged.position for delivery in source.receive(10)} == {1}


def test_publishing_nothing_delivers_nothing(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published

    publisher.publish([])

    assert list(source.receive(10)) == []
