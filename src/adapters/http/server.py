"""The server below the application (uvicorn)."""

import asyncio
import errno
import resource
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import uvicorn
import uvloop
from starlette.types import ASGIApp

from adapters.http.protocol import PatientProtocol
from adapters.http.refusals import Refusals
from adapters.http.service import Limits
from application.ports.system import Clock, Journal, Metrics, Stop
from domain.errors import ConfigurationError, TransientError

KEEP_ALIVE_SECONDS = 30
LOOK_SECONDS = 0.2
GRACE_SECONDS = 10
"""That requests may take to end once the process is asked to."""
BACKLOG = 2_048
"""Connections that wait to be accepted."""
OTHER_FILES = 100
"""Open files beside the connections of callers: those to servers, the log's, what Python itself holds."""


def serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    stop: Stop,
    journal: Journal,
    clock: Clock,
    metrics: Metrics,
    limits: Limits,
    on_start: Callable[[], None],
) -> None:
    """Serve until this process is asked to end; requests under way are answered first.

    Parameters
    ----------
    sockets : what to accept connections on; they are closed at the end.
    on_start : called once connections are accepted.

    Raises ConfigurationError if the process may not open as many files as there may be connections.
    """
    _check_open_files(limits.connections)
    protocol = partial(PatientProtocol, limits=limits, refused=Refusals(metrics, journal, clock))
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config, on_start)

    async def run() -> None:
        watching = asyncio.create_task(_end_when_asked(server, stop))
        await server.serve(list(sockets))
        watching.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def listen(host: str, port: int) -> Sequence[socket.socket]:
    """Sockets that listen on all addresses of a host.

    Raises ConfigurationError, or TransientError while another program listens there: it may end.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
        return [socket.create_server(address, family=family, backlog=BACKLOG) for family, address in addresses]
    except OSError as error:
        text = f"Nothing can listen on --host {host} --port {port}: {error.strerror}. Choose others, or end what does."
        kind = TransientError if error.errno == errno.EADDRINUSE else ConfigurationError
        raise kind(text) from error


def _check_open_files(connections: int) -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and connections + OTHER_FILES > files:
        raise ConfigurationError(
            f"PENCHANT_HTTP_MAX_CONNECTIONS is {connections}, and this process may open {files} files, of which it "
            f"needs {OTHER_FILES} for other things. Set fewer connections, or let it open more files (ulimit -n, "
            f"LimitNOFILE)."
        )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()


async def _end_when_asked(server: uvicorn.Server, stop: Stop) -> None:
    while not stop.asked:
        await asyncio.sleep(LOOK_SECONDS)
    server.should_exit = True
