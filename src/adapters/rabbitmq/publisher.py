"""Where the relay puts events: the exchange `events`."""

from collections.abc import Iterator, Sequence

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.outlet import Outgoing, Outlet
from adapters.rabbitmq.topology import EVENTS, PURCHASES, ROUTING_KEY, Topology
from adapters.rabbitmq.wire import body_of, position_headers
from domain.interaction import EventType, Interaction, LoggedEvent


class KombuPublisher:
    """Publishes each event once to `events`, and purchases besides where they have a queue of their own."""

    def __init__(self, broker: Broker, topology: Topology) -> None:
        self._outlet = Outlet(broker, topology)
        self._purchases_first = topology.purchases_first

    def publish(self, events: Sequence[LoggedEvent]) -> None:
        if events:
            self._outlet.send(message for logged in events for message in self._messages(logged))

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._outlet.close()

    def _messages(self, logged: LoggedEvent) -> Iterator[Outgoing]:
        event, body, headers = logged.event, body_of(logged.event), position_headers(logged)
        if self._purchases_first and isinstance(event, Interaction) and event.event_type is EventType.PURCHASE:
            yield Outgoing(
                exchange=PURCHASES, routing_key=PURCHASES, body=body, headers=headers, message_id=event.message_id
            )
        yield Outgoing(
            exchange=EVENTS, routing_key=ROUTING_KEY, body=body, headers=headers, message_id=event.message_id
        )
