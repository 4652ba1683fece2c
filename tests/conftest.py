"""Real servers for all tests, and the tables that say at the end what ran on what."""

import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.services.fixtures import (  # noqa: F401  pytest finds fixtures by their names here
    SERVERS,
    mongodb_server,
    mongodb_space,
    mysql_server,
    mysql_url,
    neo4j_server,
    neo4j_url,
    openai_server,
    openai_stub,
    qdrant_server,
    qdrant_url,
    rabbitmq_server,
    rabbitmq_url,
    redis_server,
    redis_url,
    servers,
)
from tests.services.needs import servers_of
from tests.services.neo4j import Neo4jServer
from tests.services.report import Report
from tests.services.server import NotOurs
from tests.services.servers import KINDS, SETTINGS, Servers, makers

settings.register_profile("untimed", deadline=None)  # no test asserts a time, not even by its tool's default
settings.load_profile("untimed")

QUICK_TO_START = "-XX:TieredStopAtLevel=1"
"""Servers in Java compile once and simply: none of them runs so long in tests that more would pay."""

LATE = frozenset({Neo4jServer})
"""Started when it is first asked for: it takes the most, and of several processes of a run one needs it."""

WITH_NEO4J = frozenset({"test_co_purchases.py", "test_fan_out.py", "test_graph.py", "test_interaction_graph.py"})


def pytest_configure(config: pytest.Config) -> None:
    """Keep the addresses of servers to the fixtures: a test of the program must not find them in its environment."""
    config.stash[SERVERS] = Servers(makers(dict(os.environ)))
    config.pluginmanager.register(Report(config.stash[SERVERS]))
    for name in SETTINGS:
        os.environ.pop(name, None)
    os.environ.setdefault("JDK_JAVA_OPTIONS", QUICK_TO_START)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background hands on that it is ignored


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Hand out files to processes."""
    return _FilesScheduling(config, log)


class _FilesScheduling(LoadFileScheduling):
    """Those with Neo4j count as one file, so that one process starts it."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "neo4j" if Path(file).name in WITH_NEO4J else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, so that at the end no process works while the others have nothing left."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Count coverage in the quick unit tests only: they have to reach the bound by themselves.

    To count takes half of the time of the others and of their fixtures, most of it for the same lines again.
    """
    counting = None if _is_counted(item) else Coverage.current()
    if counting is not None:
        counting.stop()
    try:
        return (yield)
    finally:
        if counting is not None:
            counting.start()


def _is_counted(item: pytest.Item) -> bool:
    return "unit" in item.path.parts and item.get_closest_marker("slow") is None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the chosen tests need, all at the same time, while the first tests run."""
    gc.freeze()  # all that is imported and collected stays: each later search for garbage would go through it
    if not session.config.option.collectonly:
        needed = frozenset().union(*map(servers_of, session.items))
        session.config.stash[SERVERS].launch(kind for kind in KINDS if kind in needed - LATE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """A test that stops or kills a server cannot do so with one of the environment."""
    try:
        return (yield)
    except NotOurs as error:
        pytest.skip(str(error))


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers."""
    config.stash[SERVERS].close()
