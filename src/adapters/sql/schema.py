"""The schema: which revision a database has, and bringing it to ours."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.sql.database import Database
from application.ports.examinable import Finding, Health
from domain.errors import OtherTablesError, PenchantError, TransientError

REVISION = "0004"
"""The newest migration; a test holds it against the folder `migrations`."""

LOCK_SECONDS = 600
"""How long to wait for another process that migrates."""


class SqlSchema:
    """Migrations by Alembic."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def where(self) -> str:
        """The address of the database, without its password."""
        return self._database.address

    def revision(self) -> str | None:
        """The revision of the tables; None where there are none."""
        with self._database.reading() as connection:
            return _revision(connection)

    def is_current(self) -> bool:
        """Whether the tables are those of this program.

        Raises OtherTablesError if they were made by a newer one.
        """
        return _is_current(self.revision())

    def upgrade(self) -> bool:
        """Bring the tables to this program's revision; return whether anything was to do. May be called at any time."""
        if self.is_current():
            return False
        with self._database.migrating() as connection, _alone(connection):
            if _is_current(_revision(connection)):
                return False
            _migrate(connection)
            return True

    def install(self) -> Sequence[str]:
        """As Installable says."""
        if not self.upgrade():
            return []
        return [f"The tables of the database at {self._database.address} are of revision {REVISION} now."]

    def examine(self) -> Sequence[Finding]:
        """As Examinable says."""
        if self._database.is_mysql:
            # Imported here, as Alembic below: most commands need neither.
            from adapters.sql.mysql_examination import MysqlExamination

            found = MysqlExamination(self._database).findings()
        else:
            from adapters.sql.sqlite_examination import SqliteExamination

            found = SqliteExamination(self._database).findings()
        is_usable = found[0].health is not Health.FAILED and len(found) > 1
        return [*found, self._tables(found[0].part)] if is_usable else found

    def _tables(self, part: str) -> Finding:
        try:
            revision, is_current = self.revision(), self.is_current()
        except PenchantError as error:
            return Finding(part=part, subject="tables", health=Health.FAILED, text=str(error))
        if is_current:
            return Finding(part=part, subject="tables", health=Health.OK, text=f"They are of revision {revision}.")
        text = "There are none." if revision is None else f"They are of revision {revision}, and {REVISION} is needed."
        return Finding(part=part, subject="tables", health=Health.FAILED, text=text, remedy="Run `penchant setup`.")


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


def _is_current(revision: str | None) -> bool:
    if revision is not None and revision > REVISION:
        raise OtherTablesError(f"The tables are of revision {revision}, newer than this program; install a newer one.")
    return revision == REVISION


def _migrate(connection: Connection) -> None:
    # Imported here because Alembic takes a quarter of a second that most commands need not pay.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other processes from migrating. SQLite's own lock does so; MySQL commits at every step and would let go."""
    if connection.dialect.name != "mysql":
        yield
        return
    name = connection.scalar(sa.text("SELECT DATABASE()"))
    lock = {"name": f"penchant {sha256(str(name).encode()).hexdigest()[:32]}"}  # names of locks are the server's
    if not connection.scalar(sa.text("SELECT GET_LOCK(:name, :seconds)"), {**lock, "seconds": LOCK_SECONDS}):
        raise TransientError(f"Another process has been migrating the tables for {LOCK_SECONDS} s; try again.")
    try:
        yield
        connection.commit()
    finally:
        if not connection.invalidated:
            connection.scalar(sa.text("SELECT RELEASE_LOCK(:name)"), lock)
