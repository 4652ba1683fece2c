"""Real servers for all tests."""

import os

import pytest

from tests.services.fixtures import (  # noqa: F401  pytest finds fixtures by their names here
    SERVERS,
    SETTINGS,
    Servers,
    _openai_stub,
    mongodb_server,
    mongodb_space,
    mysql_server,
    mysql_url,
    openai_stub,
    rabbitmq_server,
    rabbitmq_url,
    redis_server,
    redis_url,
    servers,
)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the addresses of servers to the fixtures: a test of the program must not find them in its environment."""
    config.stash[SERVERS] = Servers(dict(os.environ))
    for name in SETTINGS:
        os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()
