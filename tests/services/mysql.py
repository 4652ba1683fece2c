"""MySQL or MariaDB."""

import getpass
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import ClassVar

import pymysql
import sqlalchemy as sa
from attrs import define
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from tests.services.child import Child, data_folder
from tests.services.containers import Container, docker_answers
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import Foreign, Origin, Server, first_of, from_environment, program

IMAGE = "mysql:8"
PORT = 3306
USER = "tests"
PREFIX = "penchant_test_"
PROBE_SECONDS = 5
HOW = "set DATABASE_URL=mysql://user:password@host/, or start Docker, or install mariadb-server (`make services`)"
OPTIONS = ("--default-time-zone=+00:00", "--skip-name-resolve", "--skip-log-bin")


@define(kw_only=True, eq=False)
class MysqlServer(Server):
    """MySQL or MariaDB in UTC, otherwise as it comes; `url` has an administrator's user and no database."""

    name: ClassVar[str] = "MySQL"
    not_yet: ClassVar[tuple[type[Exception], ...]] = (pymysql.err.OperationalError, pymysql.err.InternalError)

    def ask_version(self) -> str:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return str(cursor.fetchone()[0])

    @contextmanager
    def database(self) -> Iterator[str]:
        """The SQLAlchemy URL of a fresh, empty database, which is dropped afterwards with all connections to it."""
        name = PREFIX + secrets.token_hex(6)
        with closing(self.connect()) as connection:
            connection.query(f"CREATE DATABASE {name}")
        try:
            yield sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            if self.running:
                self.start()
                self._drop(name)

    def connect(self) -> "Connection[Cursor]":
        """A connection of PyMySQL's as the administrator, in autocommit mode."""
        url = sa.make_url(self.url)
        return pymysql.connect(
            host=url.host,
            port=url.port or PORT,
            user=url.username,
            password=url.password or "",
            autocommit=True,
            connect_timeout=PROBE_SECONDS,
        )

    def _drop(self, name: str) -> None:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = %s", (name,))
            for (number,) in cursor.fetchall():  # an open transaction would hold up the drop
                _kill(cursor, number)
            cursor.execute(f"DROP DATABASE {name}")


def mysql(environment: Mapping[str, str] = os.environ) -> MysqlServer:
    """A MySQL or MariaDB server, not started yet. Raises Unavailable."""
    return first_of(MysqlServer.name, (lambda: _foreign(environment), _in_docker, _mariadb, _mysqld), HOW)


def _foreign(environment: Mapping[str, str]) -> MysqlServer | None:
    url = from_environment(environment.get("DATABASE_URL"), ("mysql", "mariadb"))
    if url is None:
        return None
    url = sa.make_url(url).set(drivername="mysql+pymysql", database="").render_as_string(hide_password=False)
    return MysqlServer(url=url, origin=Origin.ENVIRONMENT, runner=Foreign())


def _in_docker() -> MysqlServer | None:
    if not docker_answers():
        return None
    port, password = free_port(), secrets.token_hex(8)
    container = Container(
        image=IMAGE, ports={PORT: port}, environment={"MYSQL_ROOT_PASSWORD": password}, command=OPTIONS
    )
    return MysqlServer(url=_url("root", password, port), origin=Origin.DOCKER, runner=container)


def _mariadb() -> MysqlServer | None:
    server, install = program("mariadbd"), program("mariadb-install-db")
    if server is None or install is None:
        return None
    arguments = ("--auth-root-authentication-method=socket", "--skip-test-db", *_user())
    return _native(server, (install, "--no-defaults", *arguments), ())


def _mysqld() -> MysqlServer | None:
    server = program("mysqld")
    if server is None:
        return None
    return _native(server, (server, "--no-defaults", "--initialize-insecure", *_user()), ("--mysqlx=OFF",))


def _native(server: str, install: tuple[str, ...], options: tuple[str, ...]) -> MysqlServer:
    folder, port, password = data_folder("mysql"), free_port(), secrets.token_hex(8)
    data, users = folder / "data", folder / "users.sql"
    users.write_text(
        f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
    )
    _install((*install, f"--datadir={data}"), folder)
    child = Child(
        command=(
            server,
            "--no-defaults",
            f"--datadir={data}",
            f"--port={port}",
            f"--bind-address={LOOPBACK}",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--tmpdir={folder}",  # a server that starts removes what looks like its own, others' as well
            f"--init-file={users}",
            *OPTIONS,
            *_user(),
            *options,
        ),
        folder=folder,
    )
    return MysqlServer(url=_url(USER, password, port), origin=Origin.NATIVE, runner=child)


def _install(command: tuple[str, ...], folder: Path) -> None:
    """Write the system tables: 0.7 s for MariaDB, so there is no use in keeping a copy of them."""
    # Of several that are installed at once, each needs temporary files of its own.
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        rmtree(folder, ignore_errors=True)
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _user() -> tuple[str, ...]:
    return (f"--user={getpass.getuser()}",) if os.geteuid() == 0 else ()


def _url(user: str, password: str, port: int) -> str:
    return f"mysql+pymysql://{user}:{password}@{LOOPBACK}:{port}/"


def _kill(cursor: Cursor, number: int) -> None:
    try:
        cursor.execute("KILL %s", (number,))
    except pymysql.err.MySQLError:  # it has ended by itself
        return
