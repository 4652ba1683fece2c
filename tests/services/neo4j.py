"""Neo4j."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import neo4j as client
from attrs import define
from neo4j.exceptions import ClientError, DriverError, TransientError

from tests.services import maven
from tests.services.child import Child, data_folder
from tests.services.containers import Container, docker_answers
from tests.services.neo4j_server import build
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, Unavailable, first_of, from_environment

IMAGE = "neo4j:5"
PORT = 7687
USER = "neo4j"
PROBE_SECONDS = 5.0
HOW = "set NEO4J_URL=bolt://user:password@host:7687, or start Docker, or install Java 17 and Maven (`make services`)"
CONFIGURATION = """
server.default_listen_address={host}
server.bolt.listen_address={host}:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.pagecache.size=64m
dbms.usage_report.enabled=false
"""


@define(kw_only=True, eq=False)
class Neo4jServer(Server):
    """Neo4j 5, community edition: one database, which tests have in turn."""

    name: ClassVar[str] = "Neo4j"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (DriverError, TransientError, ClientError)

    def ask_version(self) -> str:
        with self.connect() as driver:
            if not driver.verify_authentication():
                self._set_password()
            records, _, _ = driver.execute_query("CALL dbms.components() YIELD versions RETURN versions[0] AS version")
            return str(records[0]["version"])

    @contextmanager
    def graph(self) -> Iterator[str]:
        """The URL of an empty database, which is emptied afterwards. One that holds anything is left alone."""
        with self.connect() as driver:
            if driver.execute_query("MATCH (n) RETURN n LIMIT 1").records:
                raise RuntimeError("the database of this Neo4j holds something; tests need an empty one")
        try:
            yield self.url
        finally:
            if self.running:
                self.start()
                self.clear()

    def clear(self) -> None:
        """Remove everything that tests have put there."""
        with self.connect() as driver:
            driver.execute_query("MATCH (n) DETACH DELETE n")
            for record in driver.execute_query("SHOW CONSTRAINTS YIELD name").records:
                driver.execute_query(f"DROP CONSTRAINT `{record['name']}`")

    def connect(self) -> client.Driver:
        """A driver."""
        return client.GraphDatabase.driver(
            self._address,
            auth=self._login,
            connection_timeout=PROBE_SECONDS,
            max_transaction_retry_time=0.0,
            telemetry_disabled=True,
            notifications_min_severity="OFF",
        )

    @property
    def _address(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or PORT}"

    @property
    def _login(self) -> tuple[str, str] | None:
        parts = urlsplit(self.url)
        return (parts.username, parts.password or "") if parts.username else None

    def _set_password(self) -> None:
        """A new server has one that has to be changed before anything else."""
        login = self._login
        with client.GraphDatabase.driver(self._address, auth=(USER, USER), connection_timeout=PROBE_SECONDS) as driver:
            statement = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
            driver.execute_query(statement, old=USER, new=login[1] if login else "", database_="system")


def neo4j(environment: Mapping[str, str] = os.environ) -> Neo4jServer:
    """A Neo4j server, not started yet. Raises Unavailable."""
    return first_of(Neo4jServer.name, (lambda: _foreign(environment), _in_docker, _native), HOW)


def _foreign(environment: Mapping[str, str]) -> Neo4jServer | None:
    url = from_environment(environment.get("NEO4J_URL"), ("bolt", "neo4j"))
    return Neo4jServer(url=url, origin=Origin.ENVIRONMENT, runner=Foreign()) if url is not None else None


def _in_docker() -> Neo4jServer | None:
    if not docker_answers():
        return None
    port, password = free_port(), secrets.token_hex(8)
    container = Container(image=IMAGE, ports={PORT: port}, environment={"NEO4J_AUTH": f"{USER}/{password}"})
    return Neo4jServer(url=_url(port, password), origin=Origin.DOCKER, runner=container)


def _native() -> Neo4jServer | None:
    try:
        command = build.command()
    except maven.BuildFailed as error:
        raise Unavailable(Neo4jServer.name, f"{HOW}; it could not be fetched: {error}") from error
    if command is None:
        return None
    port, folder = free_port(), data_folder("neo4j")
    _configure(folder, port)
    folders = (f"--home-dir={folder}", f"--config-dir={folder / 'conf'}")
    child = Child(command=(*command, *folders), folder=folder)
    return Neo4jServer(url=_url(port, secrets.token_hex(8)), origin=Origin.NATIVE, runner=child)


def _configure(folder: Path, port: int) -> None:
    (folder / "conf").mkdir()
    (folder / "conf" / "neo4j.conf").write_text(CONFIGURATION.format(host=LOOPBACK, port=port))


def _url(port: int, password: str) -> str:
    return f"bolt://{USER}:{password}@{LOOPBACK}:{port}"
