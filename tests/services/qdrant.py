"""Qdrant, or a stand-in for it."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit, urlunsplit

from attrs import define

from tests.services.child import Child, data_folder
from tests.services.containers import Container, docker_answers
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, first_of, from_environment

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

IMAGE = "qdrant/qdrant:v1.19.1"
PORT = 6333
PROBE_SECONDS = 5
STAND_IN = Path(__file__).with_name("qdrant_stand_in")
HOW = "set QDRANT_URL=http://:key@host:6333, or start Docker"


@define(kw_only=True, eq=False)
class QdrantServer(Server):
    """Qdrant, which tests have in turn. The password of `url` is the API key, if there is one."""

    name: ClassVar[str] = "Qdrant"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (ConnectionError,)
    stand_in: ClassVar[str] = "its client's local mode over HTTP, exact searches, no indexes"

    def ask_version(self) -> str:
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        with closing(self.connect()) as client:
            try:
                return str(client.info().version)
            except (ResponseHandlingException, UnexpectedResponse) as error:
                raise ConnectionError(f"{self._address} does not answer: {error}") from error

    @contextmanager
    def space(self) -> Iterator[str]:
        """The URL of an empty server, which is emptied afterwards. One that holds anything is left alone."""
        with closing(self.connect()) as client:
            if client.get_collections().collections or client.get_aliases().aliases:
                raise RuntimeError("this Qdrant holds something; tests need an empty one")
        try:
            yield self.url
        finally:
            if self.running:
                self.start()
                self.clear()

    def clear(self) -> None:
        """Remove all collections, and their aliases with them."""
        with closing(self.connect()) as client:
            for collection in client.get_collections().collections:
                client.delete_collection(collection.name)

    def connect(self) -> "QdrantClient":
        """A client, to be closed. Its key is a header like any other: of `api_key` it warns, without TLS."""
        from qdrant_client import QdrantClient  # a second, in every process of a run of tests

        headers = {"api-key": unquote(key)} if (key := urlsplit(self.url).password) else {}
        return QdrantClient(url=self._address, headers=headers, timeout=PROBE_SECONDS, check_compatibility=False)

    @property
    def _address(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port or PORT}"))


def qdrant(environment: Mapping[str, str] = os.environ) -> QdrantServer:
    """A Qdrant server or its stand-in, not started yet."""
    return first_of(QdrantServer.name, (lambda: _foreign(environment), _in_docker, _stand_in), HOW)


def _foreign(environment: Mapping[str, str]) -> QdrantServer | None:
    url = from_environment(environment.get("QDRANT_URL"), ("http", "https"))
    return QdrantServer(url=url, origin=Origin.ENVIRONMENT, runner=Foreign()) if url is not None else None


def _in_docker() -> QdrantServer | None:
    if not docker_answers():
        return None
    port, key = free_port(), secrets.token_hex(8)
    settings = {"QDRANT__SERVICE__API_KEY": key, "QDRANT__TELEMETRY_DISABLED": "true"}
    container = Container(image=IMAGE, ports={PORT: port}, environment=settings)
    return QdrantServer(url=_url(port, key), origin=Origin.DOCKER, runner=container)


def _stand_in() -> QdrantServer:
    port, key, folder = free_port(), secrets.token_hex(8), data_folder("qdrant")
    options = ("--host", LOOPBACK, "--port", str(port), "--path", str(folder), "--api-key", key)
    child = Child(command=(sys.executable, str(STAND_IN), *options), folder=folder)
    return QdrantServer(url=_url(port, key), origin=Origin.STAND_IN, runner=child)


def _url(port: int, key: str) -> str:
    return f"http://:{key}@{LOOPBACK}:{port}"
