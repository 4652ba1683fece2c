"""`penchant serve`."""

import os
from ipaddress import ip_address
from typing import Annotated

import typer

from domain.errors import ConfigurationError, RecipeChangedError, TransientError
from entrypoints.cli.wiring import penchant
from entrypoints.consumers import reach_servers
from entrypoints.container import Container
from entrypoints.keys import keys_of
from entrypoints.variables import strange_variables

DEFAULT_PORT = 8_080


def serve(
    host: Annotated[str, typer.Option(help="Where to listen. Other machines reach it on 0.0.0.0.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="On which port.")] = DEFAULT_PORT,
    relay: Annotated[bool, typer.Option(help="Whether it also moves events from the outbox to the broker.")] = True,
) -> None:
    """Serve the HTTP API, until it is stopped.

    Without a broker it also applies what it records. It goes on accepting events while the broker is out of reach. Its
    paths stand in /openapi.json; docs/http.md says more.

    Examples:

      penchant serve

      curl -d '{"user_id": "17850", "event_type": "search", "search_phrase": "red teapot"}'
      -H 'Content-Type: application/json' http://127.0.0.1:8080/events

      penchant serve --host 0.0.0.0 --port 80
    """
    from entrypoints.api import run_api  # what other commands need not load

    with penchant() as container:
        if keys_of(container.settings()) is None:
            _refuse_misspelt_keys()
        if keys_of(container.settings()) is None and not _is_loopback(host):
            raise ConfigurationError(
                f"--host {host} is reached by other machines, and no keys are set, so that everybody could record and "
                f"read. Make one by `penchant keys new`, and set PENCHANT_API_KEYS_FILE or PENCHANT_API_KEYS."
            )
        container.metrics_wanted.override(True)
        container.library_log().listen()
        _tell_what_is_away(container)
        container.stop().listen()
        try:
            run_api(container, host, port, with_relay=relay)
        except RecipeChangedError as error:  # a supervisor starts it again, and it follows the new one
            container.journal().info("api_stopped", str(error))


def _refuse_misspelt_keys() -> None:
    """Whoever meant to set keys must not get an API that is open to all."""
    for strange in strange_variables(os.environ):
        if strange.meant in ("PENCHANT_API_KEYS", "PENCHANT_API_KEYS_FILE"):
            raise ConfigurationError(f"{strange} No keys are set, so the API would be open to who reaches it.")


def _tell_what_is_away(container: Container) -> None:
    """To accept events takes the log's database alone, so the API starts while other servers are out of reach."""
    try:
        reach_servers(container)
    except TransientError as error:
        container.journal().warning("server_out_of_reach", f"{error} Events are accepted all the same.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
