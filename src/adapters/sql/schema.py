"""The schema: which revision a database has, and bringing it to ours."""

from pathlib import Path

import sqlalchemy as sa

from adapters.sql.database import Database
from domain.errors import ConfigurationError

REVISION = "0001"
"""The newest migration; a test holds it against the folder `migrations`."""


class SqlSchema:
    """Migrations by Alembic."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> str | None:
        """The revision of the tables; None where there are none."""
        with self._database.reading() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return revision

    def is_current(self) -> bool:
        """Whether the tables are those of this program.

        Raises ConfigurationError if they were made by a newer one.
        """
        revision = self.revision()
        if revision is not None and revision > REVISION:
            raise ConfigurationError(
                f"The tables are of revision {revision}, newer than this program; install a newer one."
            )
        return revision == REVISION

    def upgrade(self) -> bool:
        """Bring the tables to this program's revision; return whether anything was to do. May be called at any time."""
        if self.is_current():
            return False
        # Imported here because Alembic takes a quarter of a second that most commands need not pay.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._database.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return True
