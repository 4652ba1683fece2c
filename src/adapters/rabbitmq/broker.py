"""Where the broker is, and how long to wait for it."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from attrs import field, frozen
from kombu.connection import Connection
from kombu.utils.url import url_to_parts

from adapters.rabbitmq.frames import GatheredFrames
from adapters.rabbitmq.transport import Transport, transport_of
from domain.errors import ConfigurationError


@frozen(kw_only=True, slots=False)
class Broker:
    """A broker's address.

    Raises ConfigurationError when nothing can be reached at such an address.
    """

    url: str = field(repr=False)
    """amqp://, amqps://, redis:// or memory://; several separated by semicolons are tried in turn."""
    setting: str = "RABBITMQ_DSN"
    """Where the address comes from, for error texts."""
    heartbeat_seconds: float = 60.0
    connect_timeout_seconds: float = 5.0
    timeout_seconds: float = 10.0
    """How long the broker may take for an answer, or to take what we send."""

    def __attrs_post_init__(self) -> None:
        _ = self.transport, self.address

    @cached_property
    def transport(self) -> Transport:
        """What is spoken there."""
        return transport_of(self.url, self.setting)

    @cached_property
    def address(self) -> str:
        """The address without its password and its options."""
        try:
            return ";".join(_shown(url) for url in self.url.split(";"))
        except ValueError as error:  # its text could hold the password
            raise ConfigurationError(
                f"{self.setting} is no address; it looks like amqp://user:password@host:5672/vhost, with what is"
                " special in user and password written as %40 and the like."
            ) from error

    @property
    def where(self) -> str:
        """The broker, its address and the setting, for error texts."""
        return f"{self.transport.name} at {self.address} ({self.setting})"

    def connection(
        self, frames: GatheredFrames, on_blocked: Callable[..., None], on_unblocked: Callable[..., None]
    ) -> Any:
        """A Kombu connection that is not open yet; on AMQP it writes through `frames`."""
        options = dict(self.transport.options(self.timeout_seconds))
        if self.transport.is_amqp:
            options |= {"frame_writer": frames.writer, "on_blocked": on_blocked, "on_unblocked": on_unblocked}
        return Connection(  # type: ignore[no-untyped-call]
            self.url,
            transport=self.transport.kombu_name,
            connect_timeout=self.connect_timeout_seconds,
            heartbeat=self.heartbeat_seconds if self.transport.is_amqp else 0,
            transport_options=options,
            # Without a name to compare with, py-amqp would take anybody's certificate.
            ssl={"server_hostname": None} if self.transport.kombu_name == "amqps" else False,
        )


def _shown(url: str) -> str:
    """One address as it is written, without its password. Raises ValueError where it is none."""
    if "://" not in url:
        raise ValueError(url)
    url_to_parts(url)
    return re.sub(r"(://[^:]*):.*@", r"\1:***@", url, flags=re.DOTALL).partition("?")[0]
