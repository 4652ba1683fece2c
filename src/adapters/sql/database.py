"""One SQL database: its engine, its kinds of transaction, and its errors in our words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

from adapters.sql import mysql, sqlite
from adapters.sql.sqlite import sqlite_url
from domain.errors import ConfigurationError, LostRaceError, TransientError

__all__ = ["Database", "repeated_when_lost", "sqlite_url"]

ATTEMPTS = 20

SPARE = 20
"""Connections beyond the pool's five, opened while they are needed: more than threads that use them at once."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Database:
    """A database that several adapters share.

    Parameters
    ----------
    url : mysql://user:password@host:port/name, as Symfony writes it too, or sqlite:///path.
    setting : the name of the setting that says where it is, for error texts.

    Raises
    ------
    ConfigurationError : the URL is none, or of another kind.
    """

    def __init__(self, url: str, setting: str) -> None:
        self._url = _parsed(url, setting)
        self.is_mysql = self._url.get_backend_name() == "mysql"
        self.address = _shown(self._url)
        self.setting = setting
        self._where = f"the database at {self.address} ({setting})"
        self._error_of = mysql.error_of if self.is_mysql else sqlite.error_of
        self.engine: Engine = self._open(answer_seconds=mysql.ANSWER_SECONDS)

    @contextmanager
    def reading(self, one_state: bool = False) -> Iterator[Connection]:
        """A transaction that changes nothing.

        Each of its statements sees one state of the database; all of them see the same one if `one_state`.
        """
        with self._translated(), self.engine.connect() as connection:
            if one_state and self.is_mysql:
                mysql.read_one_state(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and leaves nothing when it raises.

        Raises LostRaceError when a unique key turns out to be taken or the transaction is the victim of a deadlock,
        TransientError when the database cannot write now.
        """
        with self._translated(), self.engine.connect().execution_options(**{sqlite.WRITES: True}) as connection:
            yield connection
            self._commit(connection)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A connection whose statements may take any time; committed when the block ends."""
        if not self.is_mysql:
            with self.writing() as connection:
                yield connection
            return
        engine = self._open(answer_seconds=None)
        try:
            with self._translated(), engine.connect() as connection:
                yield connection
                connection.commit()
        finally:
            engine.dispose()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _open(self, answer_seconds: int | None) -> Engine:
        if not self.is_mysql:
            engine = sa.create_engine(self._url, hide_parameters=True, pool_use_lifo=True, max_overflow=SPARE)
            sa.event.listen(engine, "connect", sqlite.configure)
            sa.event.listen(engine, "begin", sqlite.begin)
            return engine
        # Two round trips saved: no ping before each use, because the first error on a connection that the server has
        # lost makes the pool forget them all, so that a restart costs one error; and no ROLLBACK after each COMMIT.
        engine = sa.create_engine(
            self._url,
            hide_parameters=True,
            pool_use_lifo=True,
            max_overflow=SPARE,
            paramstyle="format",  # rows are handed to the driver as tuples
            pool_reset_on_return=None,  # our blocks end their transactions themselves
            pool_recycle=mysql.RECYCLE_SECONDS,
            connect_args=mysql.connect_arguments(self._url, answer_seconds),
        )
        sa.event.listen(engine, "do_connect", mysql.connect)
        sa.event.listen(engine, "connect", mysql.configure)
        return engine

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except exc.DBAPIError:
            connection.invalidate()  # nobody knows whether its transaction has ended
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TypeError as error:
            if "unexpected keyword argument" not in str(error):
                raise
            option = str(error).rpartition("argument ")[2]
            raise ConfigurationError(
                f"{self.setting} has an option that the driver does not know: {option}."
            ) from error
        except exc.DBAPIError as error:
            raise self._error_of(error, self._where) from error
        except exc.TimeoutError as error:
            raise TransientError(f"All connections to {self._where} are in use; try again.") from error


def repeated_when_lost(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a method that is one transaction of its own be done again, whole, when it loses a race."""

    @wraps(method)
    def repeated(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(ATTEMPTS - 1):
            try:
                return method(*args, **kwargs)
            except LostRaceError:
                continue
        return method(*args, **kwargs)

    return repeated


def _parsed(text: str, setting: str) -> URL:
    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except (exc.ArgumentError, ValueError) as error:
        text = f"{setting} is no URL; it looks like mysql://user:password@host:3306/name"
        raise ConfigurationError(f"{text}, with what is special written as %40 and the like.") from error
    if kind in ("mysql", "mariadb"):
        if "@" in f"{url.host}{url.database}":  # part of a password, which must not be shown as an address
            raise ConfigurationError(f"{setting} has an @ in its user or password; write it as %40, and / as %2F.")
        if not url.database:
            raise ConfigurationError(f"{setting} names no database; set mysql://user:password@host:3306/name.")
        return mysql.normalized(url)
    if kind != "sqlite":
        raise ConfigurationError(f"{setting} is of the kind {kind}; set mysql://user:password@host:3306/name.")
    return url


def _shown(url: URL) -> str:
    """The address as people write it, without its password; the path of a file."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    plain: Any = url.set(drivername=url.get_backend_name(), query={})
    return str(plain.render_as_string(hide_password=True))
