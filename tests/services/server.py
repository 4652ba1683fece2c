"""What all servers have in common."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from enum import StrEnum
from types import TracebackType
from typing import ClassVar, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from attrs import define, field

from tests.services.waiting import wait_until

START_SECONDS = 180


class Origin(StrEnum):
    """Where a server comes from."""

    ENVIRONMENT = "environment"
    DOCKER = "Docker"
    NATIVE = "native"
    STAND_IN = "stand-in"


class Unavailable(Exception):  # noqa: N818  a state of the machine, not a mistake
    """A server cannot be had here."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__(f"{name} CANNOT BE HAD HERE: {how}")
        self.name = name


class NotOurs(Exception):  # noqa: N818
    """A server of the environment is not ours to stop or to kill."""


class Runner(Protocol):
    """What starts and ends a server."""

    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None:
        """End it for good, and remove its data."""

    def trouble(self) -> str | None:
        """Why it will never answer, if that is so."""


class Foreign:
    """A server that somebody else runs."""

    running = True

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        raise NotOurs("a server of the environment is not ours to stop")

    kill = pause = resume = stop

    def close(self) -> None:
        """It goes on."""

    def trouble(self) -> str | None:
        return None


@define(kw_only=True, eq=False)
class Server(ABC):
    """A server that tests talk to. Everything is on its own port and its own data, or in names of our own."""

    name: ClassVar[str]
    not_yet: ClassVar[tuple[type[Exception], ...]]
    """What its client raises while it does not answer."""
    stand_in: ClassVar[str] = ""
    """What stands in for it where the server itself cannot be had."""

    url: str = field(repr=False)
    origin: Origin
    runner: Runner = field(repr=False)
    _version: str | None = field(default=None, init=False)

    @abstractmethod
    def ask_version(self) -> str:
        """Ask the server for its version. Raises one of `not_yet` while it does not answer."""

    @property
    def version(self) -> str:
        """What the server says, or "?" if it never answered."""
        return self._version if self._version is not None else "?"

    @property
    def running(self) -> bool:
        return self.runner.running

    def launch(self) -> None:
        """Start it if it does not run, and do not wait until it answers."""
        if not self.runner.running:
            self.runner.start()

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises RuntimeError, with its last words, if it has ended."""
        wait_until(self._answers, START_SECONDS, f"{self.name} to answer")

    def start(self) -> None:
        """Start it on the same port and data as before, and wait until it answers; resume it if it was paused."""
        self.launch()
        if self.origin != Origin.ENVIRONMENT:
            self.runner.resume()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop it as its owner would, and wait until it has."""
        self.runner.stop()

    def kill(self) -> None:
        """kill -9."""
        self.runner.kill()

    def pause(self) -> None:
        """Freeze it: connections stay open, and nothing answers."""
        self.runner.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.runner.resume()

    def close(self) -> None:
        """End it for good, and remove its data."""
        self.runner.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answers(self) -> bool:
        try:
            self._version = self.ask_version()
        except self.not_yet as error:
            if trouble := self.runner.trouble():
                raise RuntimeError(trouble) from error
            return False
        return True


AnyServer = TypeVar("AnyServer", bound=Server)


def first_of(name: str, ways: Iterable[Callable[[], AnyServer | None]], how: str) -> AnyServer:
    """The server by the first way that there is. Raises Unavailable, saying `how` to get one."""
    for way in ways:
        server = way()
        if server is not None:
            return server
    raise Unavailable(name, how)


def start_together(*servers: Server) -> None:
    """Start several at the same time."""
    for server in servers:
        server.launch()
    for server in servers:
        server.start()


def program(*names: str) -> str | None:
    """The path of the first of these programs that is on this machine, also where only root looks."""
    found = (shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") for name in names)
    return next((path for path in found if path is not None), None)


def from_environment(url: str | None, schemes: Iterable[str]) -> str | None:
    """The URL, if it is set and of one of these kinds."""
    return url if url and urlsplit(url).scheme.split("+")[0] in schemes else None
