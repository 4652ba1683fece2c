"""Publishing, so that what was published is known to be there."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any

from attrs import frozen

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.connection import BrokerConnection
from adapters.rabbitmq.installation import declare_for
from adapters.rabbitmq.topology import Topology
from application.ports.message_source import Capability
from domain.errors import NotSetUpError, UnavailableError

WINDOW = 1_000
"""Messages that may be on their way unconfirmed."""
_PERSISTENT = 2
_MAX_MESSAGE_ID_BYTES = 255


@frozen(kw_only=True)
class Outgoing:
    """A message to publish."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    message_id: str | None = None
    timestamp: int | None = None
    """Seconds since 1970."""


class Outlet:
    """Publishes on a connection of its own, since a broker that blocks publishers would block consumers with them."""

    def __init__(self, broker: Broker, topology: Topology) -> None:
        self._broker = broker
        self._connection = BrokerConnection(broker, partial(_Confirming, broker=broker, topology=topology))

    def send(self, messages: Iterable[Outgoing], *, mandatory: bool = True) -> None:
        """Publish, and return when the broker has all of them. It may have some of them when this raises.

        Unless `mandatory`, what no queue takes is dropped.

        Raises
        ------
        UnavailableError : the broker is out of reach, short of memory or disk, has not answered in time, or has refused
            some.
        NotSetUpError : no queue takes some of them, or an exchange is missing.
        """
        with self._connection.session() as channel:
            channel.begin()
            while self._connection.drain(0.0):
                pass
            waiting = iter(messages)
            while some := list(islice(waiting, WINDOW // 2)):
                self._connection.refuse_if_blocked()
                with self._connection.frames.gathered():
                    for message in some:
                        channel.publish(message, mandatory)
                self._wait(channel, WINDOW // 2)
            self._wait(channel, 0)
            self._check(channel)

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def _wait(self, channel: "_Confirming", enough: int) -> None:
        deadline = monotonic() + self._broker.timeout_seconds
        while (waiting := len(channel.unconfirmed)) > enough:
            self._connection.refuse_if_blocked()
            self._connection.drain(max(deadline - monotonic(), 0.0))
            if len(channel.unconfirmed) < waiting:
                deadline = monotonic() + self._broker.timeout_seconds
            elif monotonic() >= deadline:
                # An error of the network's kind: this connection is of no use any more.
                raise TimeoutError(f"{waiting} messages not confirmed within {self._broker.timeout_seconds:g} s")

    def _check(self, channel: "_Confirming") -> None:
        if channel.returned:
            raise NotSetUpError(
                f"{self._broker.where}: no queue takes what is published to {', '.join(sorted(channel.returned))}."
                " Run `penchant setup`."
            )
        if channel.refused:
            raise UnavailableError(
                f"{self._broker.where} has refused {channel.refused} messages, as it does when a queue is full or"
                " cannot be reached; they will be sent again."
            )


class _Confirming:
    """A channel, and what it has published that is not confirmed yet."""

    def __init__(self, connection: Any, broker: Broker, topology: Topology) -> None:
        self._channel = connection.channel()
        declare_for(broker, topology, self._channel)
        self._last = 0
        self._confirms = Capability.CONFIRMED in broker.transport.capabilities
        self.unconfirmed: dict[int, None] = {}
        """Numbers as the broker counts them, in order."""
        self.returned: set[str] = set()
        """What nobody takes: exchanges with routing keys."""
        self.refused = 0
        if self._confirms:
            self._channel.events["basic_ack"].add(self._on_ack)
            self._channel.events["basic_nack"].add(self._on_nack)
            self._channel.events["basic_return"].add(self._on_return)
            self._channel.confirm_select()

    def begin(self) -> None:
        """Forget what became of earlier messages: whoever sent them has been told."""
        self.unconfirmed.clear()
        self.returned.clear()
        self.refused = 0

    def publish(self, message: Outgoing, mandatory: bool) -> None:
        properties: dict[str, Any] = {"delivery_mode": _PERSISTENT}
        if message.message_id is not None and len(message.message_id.encode()) <= _MAX_MESSAGE_ID_BYTES:
            properties["message_id"] = message.message_id
        if message.timestamp is not None:
            properties["timestamp"] = message.timestamp
        prepared = self._channel.prepare_message(
            message.body,
            content_type="application/json",
            content_encoding="utf-8",
            headers=dict(message.headers),
            properties=properties,
        )
        if self._confirms:
            self._last += 1
            self.unconfirmed[self._last] = None
        self._channel.basic_publish(prepared, message.exchange, message.routing_key, mandatory=mandatory)

    def _on_ack(self, number: int, multiple: bool) -> None:
        if not multiple:
            self.unconfirmed.pop(number, None)
            return
        confirmed = []
        for waiting in self.unconfirmed:
            if waiting > number:
                break
            confirmed.append(waiting)
        for waiting in confirmed:
            del self.unconfirmed[waiting]

    def _on_nack(self, number: int, multiple: bool) -> None:
        before = len(self.unconfirmed)
        self._on_ack(number, multiple)
        self.refused += before - len(self.unconfirmed)

    def _on_return(self, _: Exception, exchange: str, routing_key: str, __: Any) -> None:
        self.returned.add(f"{exchange!r} with the key {routing_key!r}")
