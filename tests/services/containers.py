"""A server in a Docker container, where a daemon answers."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from tests.services.ports import LOOPBACK

DEFAULT_HOST = "unix:///var/run/docker.sock"
PING_SECONDS = 5
STOP_SECONDS = 60


@cache
def docker_answers() -> bool:
    """Whether there is a Docker daemon."""
    address = urlsplit(os.environ.get("DOCKER_HOST", DEFAULT_HOST))
    if address.scheme == "unix" and not _listens(address.path):
        return False  # Docker's client would leave an open socket behind
    from docker import from_env
    from docker.errors import DockerException

    try:
        client = from_env(timeout=PING_SECONDS)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _listens(path: str) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


@define(kw_only=True, eq=False)
class Container:
    """A container with fixed ports on this machine: Docker would choose others at each start.

    Testcontainers' reaper removes it when this process ends, however that happens.
    """

    image: str
    ports: Mapping[int, int]
    """Ports on this machine by ports in the container."""
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    command: Sequence[str] = ()
    _started: Any = field(default=None, init=False)

    @property
    def running(self) -> bool:
        return self._status() in {"running", "paused", "restarting"}

    def start(self) -> None:
        if self._started is None:
            self._started = self._create()
        else:
            self._container.start()

    def stop(self) -> None:
        self.resume()
        self._container.stop(timeout=STOP_SECONDS)

    def kill(self) -> None:
        if self.running:
            self._container.kill()
            self._container.wait(timeout=STOP_SECONDS)

    def pause(self) -> None:
        self._container.pause()

    def resume(self) -> None:
        if self._status() == "paused":
            self._container.unpause()

    def close(self) -> None:
        if self._started is not None:
            self._started.stop()
            self._started = None

    def trouble(self) -> str | None:
        if self._started is None or self.running:
            return None
        return f"the container of {self.image} ended:\n{self._container.logs(tail=20).decode(errors='replace')}"

    def _create(self) -> Any:
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(self.image, env=dict(self.environment), command=list(self.command) or None)
        for inside, outside in self.ports.items():
            container.ports[str(inside)] = (LOOPBACK, outside)  # its own method would bind all interfaces
        return container.start()

    @property
    def _container(self) -> Any:
        return self._started.get_wrapped_container()

    def _status(self) -> str | None:
        if self._started is None:
            return None
        self._container.reload()
        return str(self._container.status)
