"""One Qdrant server: its client, and its errors in our words."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import field, frozen
from qdrant_client import QdrantClient

from adapters.qdrant.errors import CLIENT_ERRORS, error_of, without_texts
from domain.errors import ConfigurationError

DEFAULT_PORT = 6333
CONNECT_SECONDS = 5.0
"""An outage is known in seconds: whoever is there accepts at once."""
TIMEOUT_SECONDS = 30
"""The longest silence. A write of full size takes well under a second; a server that opens large collections or is out
of breath takes some, and to repeat what it is still working on would make that worse."""


@frozen(kw_only=True)
class Address:
    """Where a server is, and the key that it wants."""

    url: str
    api_key: str | None = field(repr=False)
    timeout_seconds: int


def connect(address: Address) -> QdrantClient:
    """A client over HTTP. It connects at its first call."""
    client = QdrantClient(
        url=address.url,
        # As a header, because the client warns of a key over plain http, which is what the setting asks for.
        headers={"api-key": address.api_key} if address.api_key is not None else None,
        timeout=address.timeout_seconds,
        prefer_grpc=False,
        check_compatibility=False,  # it would print what it thinks of the version; `doctor` looks at that
    )
    client.http.client.add_middleware(_quick_to_connect)
    return client


class QdrantServer:
    """A server. Threads may share it.

    Parameters
    ----------
    url : http://:key@host:6333/prefix; port, key and prefix may be left out.
    setting : the name of the setting that holds the URL, for error texts.
    connect : makes the client at the first call.

    Raises
    ------
    ConfigurationError : the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        setting: str = "QDRANT_URL",
        timeout_seconds: int = TIMEOUT_SECONDS,
        connect: Callable[[Address], QdrantClient] = connect,
    ) -> None:
        self._setting = setting
        self._address = _parsed(url, setting, timeout_seconds)
        self._connect = connect
        self._lock = Lock()
        self._client: QdrantClient | None = None
        self.where = f"the Qdrant server at {self._address.url} ({setting})"

    @contextmanager
    def translated(self) -> Iterator[QdrantClient]:
        """The client; raise what it raises in the block as an error of ours.

        UnavailableError when the server is out of reach or has no room, ConfigurationError when it does not let us in,
        NotSetUpError when a collection is missing, TransientError when it may work the next time, PermanentError when
        it never will.
        """
        try:
            yield self._connected()
        except CLIENT_ERRORS as error:
            raise error_of(error, self.where, self._setting) from without_texts(error)

    def dispose(self) -> None:
        """Close all connections, for good."""
        with self._lock:
            if self._client is not None:
                self._client.close()

    def _connected(self) -> QdrantClient:
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._address)
            return self._client


def _parsed(url: str, setting: str, timeout_seconds: int) -> Address:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise _unreadable(setting) from error
    key = unquote(parts.password) if parts.password else None
    is_whole = parts.scheme in ("http", "https") and host is not None and re.fullmatch(r"[\w.:-]+", host)
    # A header holds only this, and a name without a password is a key in the wrong place.
    is_key = re.fullmatch(r"[!-~]+", key) if key is not None else not parts.username
    if host is None or not is_whole or not is_key or parts.query or parts.fragment:
        raise _unreadable(setting)
    address = f"{f'[{host}]' if ':' in host else host}:{port if port is not None else DEFAULT_PORT}"
    return Address(
        url=f"{parts.scheme}://{address}{parts.path.rstrip('/')}", api_key=key, timeout_seconds=timeout_seconds
    )


def _unreadable(setting: str) -> ConfigurationError:
    # Not the text of the URL: it holds the key.
    return ConfigurationError(
        f"{setting} cannot be read as http://:key@host:{DEFAULT_PORT}, where the key may be left out. "
        "Write characters such as @ : / % in the key as %40 %3A %2F %25."
    )


def _quick_to_connect(request: Any, send: Callable[[Any], Any]) -> Any:
    timeouts = request.extensions["timeout"]
    timeouts["connect"] = min(CONNECT_SECONDS, timeouts["connect"])
    return send(request)
