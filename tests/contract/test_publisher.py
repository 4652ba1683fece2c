"""What every publisher promises: what it took is with the broker."""

from attrs import evolve

from application.ports.message_source import MessageSource
from application.ports.publisher import Publisher
from tests.builders import bought, logged, retraction, searched
from tests.contract.receiving import applied, received

PATIENCE_SECONDS = 10.0


def test_whatever_was_published_is_delivered(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    event = bought("m1", properties={"a": [1, "🧁"]}, user_session="s")
    events = [logged(event, 1), logged(searched("m2", "قميص 🧁"), 2), logged(retraction("m3", event), 3)]

    publisher.publish(events[:2])
    publisher.publish(events[2:])

    assert [delivery.logged for delivery in received(source, 3, PATIENCE_SECONDS)] == events


def test_what_an_event_belongs_to_travels_with_it(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    publisher.publish([evolve(logged(searched("m1"), 1), trace=trace), logged(searched("m2"), 2)])

    assert [delivery.logged.trace for delivery in received(source, 2, PATIENCE_SECONDS)] == [trace, None]


def test_ids_as_long_as_they_may_be_are_delivered(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    event = logged(bought("🧁" * 128, "🧁" * 128, user_id="🧁" * 128), 1)

    publisher.publish([event])

    assert [delivery.logged for delivery in received(source, 1, PATIENCE_SECONDS)] == [event]


def test_more_events_than_are_sent_at_once_are_all_delivered(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    events = [logged(searched(f"m{number}"), number) for number in range(1, 2_502)]

    publisher.publish(events)

    came: list[int] = []
    while len(came) < len(events):
        deliveries = received(source, min(500, len(events) - len(came)), PATIENCE_SECONDS)
        assert deliveries
        came += [delivery.logged.position for delivery in deliveries]
        source.settle(applied(deliveries))
    assert sorted(came) == [event.position for event in events]


def test_an_event_published_again_is_delivered_at_least_once(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published
    event = logged(searched("m1"), 1)

    publisher.publish([event])
    publisher.publish([event])

    assert {delivery.logged.position for delivery in received(source, 1, PATIENCE_SECONDS)} == {1}


def test_publishing_nothing_delivers_nothing(published: tuple[Publisher, MessageSource]) -> None:
    publisher, source = published

    publisher.publish([])
    publisher.publish([logged(searched("m1"), 1)])

    assert [delivery.logged.position for delivery in received(source, 1, PATIENCE_SECONDS)] == [1]
