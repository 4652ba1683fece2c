"""Kombu's transports, and in what they differ: a table instead of ifs."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from adapters.rabbitmq.frames import lenient_frame_handler
from application.ports.message_source import Capability
from domain.errors import ConfigurationError


@frozen(kw_only=True)
class Received:
    """A message as it came."""

    body: bytes
    headers: Mapping[Any, Any]
    properties: Mapping[str, Any]
    exchange: str
    tag: Any
    """The broker's mark of this delivery, good on the channel that it came through."""


@frozen(kw_only=True)
class Transport:
    """What one of Kombu's transports can do, and how it has to be treated."""

    name: str
    kombu_name: str
    received: Callable[[Any], Received]
    """Reads a message of this transport."""
    capabilities: frozenset[Capability] = frozenset()
    fan_out: str = "direct"
    """The type of exchange that gives each queue a copy; Redis would only do so while somebody listens to a fan-out
    exchange, and forget the message otherwise."""
    is_amqp: bool = False
    """Whether many can be acknowledged at once, and closing a channel gives back what it held."""
    keeps_topology: bool = False
    """Whether what `setup` made is still there for the next connection."""
    empty_after_seconds: float = 0.0
    """How long nothing has to come until there is nothing: a round trip, where messages are not pushed."""
    options: Callable[[float], Mapping[str, Any]] = lambda _: {}
    """Kombu's transport options, for a time-out in seconds."""


def transport_of(url: str, setting: str) -> Transport:
    """The transport that a URL names. Raises ConfigurationError."""
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in TRANSPORTS:
        known = ", ".join(f"{name}://" for name in TRANSPORTS)
        raise ConfigurationError(f"{setting} begins with {scheme[:20]!r}, which is no broker; use one of {known}.")
    return TRANSPORTS[scheme]


def _received_by_amqp(raw: Any) -> Received:
    # Not Kombu's own message: it would unpack what says that it is compressed, whatever its size.
    properties, info = raw.properties, raw.delivery_info
    return Received(
        body=raw.body if isinstance(raw.body, bytes) else bytes(raw.body or b""),
        headers=properties.get("application_headers") or {},
        properties=properties,
        exchange=info["exchange"],
        tag=info["delivery_tag"],
    )


def _received_virtually(raw: Any) -> Received:
    body = raw.body if raw.body is not None else b""
    return Received(
        body=body.encode() if isinstance(body, str) else bytes(body),
        headers=raw.headers,
        properties=raw.properties,
        exchange=(raw.delivery_info or {}).get("exchange", ""),
        tag=raw.delivery_tag,
    )


def _amqp(kombu_name: str) -> Transport:
    return Transport(
        name="RabbitMQ",
        kombu_name=kombu_name,
        received=_received_by_amqp,
        capabilities=frozenset(Capability),
        fan_out="fanout",
        is_amqp=True,
        keeps_topology=True,
        options=lambda seconds: {
            "read_timeout": seconds,
            "write_timeout": seconds,
            "frame_handler": lenient_frame_handler,
        },
    )


TRANSPORTS: Mapping[str, Transport] = {
    "amqp": _amqp("pyamqp"),  # by that name, or Kombu would take another library where one is installed
    "amqps": _amqp("amqps"),
    "redis": Transport(
        name="Redis (through Kombu)",
        kombu_name="redis",
        received=_received_virtually,
        empty_after_seconds=0.02,
        options=lambda seconds: {"socket_timeout": seconds, "socket_connect_timeout": seconds},
    ),
    "memory": Transport(
        name="Kombu's memory",
        kombu_name="memory",
        received=_received_virtually,
        options=lambda _: {"polling_interval": 0.01},
    ),
}
"""By the scheme of the URL."""
