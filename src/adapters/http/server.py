"""The server below the application (uvicorn)."""

import asyncio

import uvicorn
import uvloop
from starlette.types import ASGIApp

from application.ports.system import Stop

KEEP_ALIVE_SECONDS = 30
LOOK_SECONDS = 0.2
GRACE_SECONDS = 10
"""That requests may take to end once the process is asked to."""


def serve(app: ASGIApp, host: str, port: int, stop: Stop) -> None:
    """Serve until this process is asked to end; requests under way are answered first."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        watching = asyncio.create_task(_end_when_asked(server, stop))
        await server.serve()
        watching.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def _end_when_asked(server: uvicorn.Server, stop: Stop) -> None:
    while not stop.asked:
        await asyncio.sleep(LOOK_SECONDS)
    server.should_exit = True
