"""One Neo4j database: its driver, its transactions, and its errors in our words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString
from urllib.parse import unquote, urlsplit, urlunsplit

from neo4j import Driver, GraphDatabase, Record, Transaction
from neo4j.exceptions import DriverError, Neo4jError

from adapters.neo4j.errors import error_of
from domain.errors import ConfigurationError

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
DEFAULT_PORT = 7687
CONNECT_SECONDS = 5.0
TRANSACTION_SECONDS = 60.0
"""After this the server ends a transaction of its own accord, so that no lock is held for ever."""


class Neo4jDatabase:
    """A database, connected at the first call.

    Parameters
    ----------
    url : neo4j://user:password@host:port/database; the name of the database may be left out.
    setting : the name of the setting that holds the URL, for error texts.

    Raises
    ------
    ConfigurationError : the URL cannot be used.
    """

    def __init__(self, url: str, setting: str = "NEO4J_URL") -> None:
        self._setting = setting
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise self._unreadable() from error
        if parts.scheme not in SCHEMES or not host:
            raise self._unreadable()
        address = f"{f'[{host}]' if ':' in host else host}:{port if port is not None else DEFAULT_PORT}"
        self._name = unquote(parts.path.strip("/")) or None
        self.where = (
            f"the Neo4j database {f'{self._name} ' if self._name else ''}at {parts.scheme}://{address} ({setting})"
        )
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        with self.translated():
            self._driver: Driver = GraphDatabase.driver(
                urlunsplit((parts.scheme, address, "", parts.query, "")),
                auth=auth,
                connection_timeout=CONNECT_SECONDS,
                connection_acquisition_timeout=2 * CONNECT_SECONDS,
                telemetry_disabled=True,
                notifications_min_severity="OFF",
                user_agent="penchant",
            )

    def read(
        self, statement: LiteralString, *, seconds: float = TRANSACTION_SECONDS, **parameters: Any
    ) -> list[Record]:
        """What a statement returns, in a transaction of its own that the server ends after so many seconds."""
        with self.transaction(seconds) as transaction:
            return list(transaction.run(statement, parameters))

    def run(self, statement: LiteralString, **parameters: Any) -> Mapping[str, int]:
        """Run a statement that changes the schema, and return how much it changed, by kind."""
        with self.translated(), self._driver.session(database=self._name) as session:
            counters = session.run(statement, parameters).consume().counters
            return {name: value for name, value in vars(counters).items() if isinstance(value, int)}

    @contextmanager
    def transaction(self, seconds: float = TRANSACTION_SECONDS) -> Iterator[Transaction]:
        """A transaction that is committed when the block ends. Raises as `translated` does."""
        with (
            self.translated(),
            self._driver.session(database=self._name) as session,
            session.begin_transaction(timeout=seconds) as transaction,
        ):
            yield transaction
            transaction.commit()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what the driver raises in the block as an error of ours.

        UnavailableError when the server is out of reach, ConfigurationError when it does not let us in, LostRaceError
        when another transaction went first, TransientError when it may work the next time, PermanentError when it never
        will.
        """
        try:
            yield
        except (DriverError, Neo4jError) as error:
            raise error_of(error, self.where, self._setting) from error

    def dispose(self) -> None:
        """Close all connections, for good."""
        self._driver.close()

    def _unreadable(self) -> ConfigurationError:
        # Not the text of the URL: it holds the password.
        return ConfigurationError(
            f"{self._setting} cannot be read as neo4j://user:password@host:{DEFAULT_PORT}. "
            "Write characters such as @ : / % in the user or the password as %40 %3A %2F %25."
        )
