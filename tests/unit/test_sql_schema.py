"""The SQL tables, how they come about, and what a database that cannot serve is called."""

import sqlite3
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from adapters.sql import schema
from adapters.sql.database import Database, sqlite_url
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.product_catalogue import SqlProductCatalogue, SqlProductChanges
from adapters.sql.schema import SqlSchema
from adapters.sql.tables import metadata
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from application.ports.examinable import Health
from application.ports.user_embedding_store import StateWrite
from domain.errors import ConfigurationError, LostRaceError, PenchantError, StorageFullError, TransientError
from tests.builders import DIMENSIONS, NOW, in_catalogue, searched, stored_state, unit_vector

PHRASE = "a phrase that nobody else may read"

Open = Callable[..., Database]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "penchant.sqlite"


@pytest.fixture
def open_database(path: Path) -> Iterator[Open]:
    opened: list[Database] = []

    def open_with(*pragmas: str, at: Path = path) -> Database:
        database = Database(sqlite_url(at), "DATABASE_URL")
        for pragma in pragmas:
            sa.event.listen(database.engine, "connect", lambda c, _, p=pragma: c.execute(f"PRAGMA {p}").close())
        opened.append(database)
        return database

    yield open_with
    for database in opened:
        database.dispose()


@pytest.fixture
def database(open_database: Open) -> Database:
    database = open_database()
    SqlSchema(database).upgrade()
    return database


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(sa.inspect(connection).get_table_names())


def _record(log: SqlEventLog, *message_ids: str) -> None:
    with log.transaction() as transaction:
        transaction.append([searched(message_id, PHRASE, PHRASE) for message_id in message_ids], NOW)


def _all_that_is_said_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_the_migrations_make_the_tables_that_the_program_uses(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_program_knows_the_newest_migration(database: Database) -> None:
    with database.reading() as connection:
        assert ScriptDirectory.from_config(_config(connection)).get_heads() == [schema.REVISION]


def test_an_empty_file_has_no_revision_and_is_brought_to_ours(open_database: Open) -> None:
    tables = SqlSchema(open_database())
    assert (tables.revision(), tables.is_current()) == (None, False)

    assert tables.upgrade()

    assert (tables.revision(), tables.is_current()) == (schema.REVISION, True)


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    log = SqlEventLog(database)
    _record(log, "m1")

    assert not SqlSchema(database).upgrade()
    with database.writing() as connection:
        command.upgrade(_config(connection), "head")

    assert log.count() == 1


def test_the_dead_letters_of_an_older_home_are_kept(open_database: Open) -> None:
    database = open_database()
    with database.writing() as connection:
        command.upgrade(_config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO dead_letters VALUES ('updates', 'm1', 'ann', '{\"search_phrase\": \"🧁\"}',"
            " 'PermanentError', 'It never works.', 6, '2026-01-31 12:00:00.000000+00:00',"
            " '2026-01-31 12:00:00.000001+00:00')"
        )
    assert not SqlSchema(database).is_current()

    assert len(SqlSchema(database).install()) == 1

    [letter] = SqlDeadLetters(database).list(10)
    assert letter.body == '{"search_phrase": "🧁"}'.encode()
    assert (letter.user_id, letter.attempts) == ("ann", 6)
    assert letter.last_failed_at - letter.first_failed_at == timedelta(microseconds=1)


def test_the_products_of_an_older_home_are_kept_and_have_no_attributes(open_database: Open) -> None:
    database, vector = open_database(), unit_vector()
    with database.writing() as connection:
        command.upgrade(_config(connection), "0003")
        for table in ("product_embeddings", "product_changes"):
            columns = [
                sa.column(name) for name in ("product_id", "embedding", "text", "model", "revision", "updated_at")
            ]
            values = ("tea", vector.tobytes(), "green tea", "model-1", 1, "2026-03-01 12:00:00.000000+00:00")
            connection.execute(sa.insert(sa.table(table, *columns)).values(values))

    SqlSchema(database).install()

    catalogue = SqlProductCatalogue(database, DIMENSIONS, "model-1")
    [change] = SqlProductChanges(database).under_way(10)
    expected = in_catalogue("tea", "green tea")
    for found in (catalogue.read(["tea"])["tea"], change.put.product):
        assert (found.product, found.embedding.tobytes()) == (expected.product, vector.tobytes())
    assert list(catalogue.vectors(["tea"])[0]) == ["tea"]
    later = SqlProductCatalogue(database, DIMENSIONS, "model-2")
    assert (list(later.outdated(10)), list(later.outdated_own())) == ([expected.product], [])


def test_downgrading_step_by_step_keeps_what_fits(database: Database) -> None:
    _record(SqlEventLog(database), "m1")

    for revision in ("0003", "0002", "0001"):
        with database.writing() as connection:
            command.downgrade(_config(connection), "-1")
        assert SqlSchema(database).revision() == revision

    assert SqlEventLog(database).count() == 1


def test_downgrading_drops_everything(database: Database) -> None:
    assert _tables(database) >= set(metadata.tables)

    with database.writing() as connection:
        command.downgrade(_config(connection), "base")

    assert _tables(database) == {"alembic_version"}
    assert SqlSchema(database).revision() is None


def test_the_tables_of_a_newer_program_are_refused(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConfigurationError, match="newer"):
        SqlSchema(database).upgrade()


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_every_table_can_be_made_on_mysql(table: sa.Table) -> None:
    dialect = mysql.dialect()

    statements = [str(CreateTable(table).compile(dialect=dialect))]
    statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]

    assert all(statement.strip().startswith("CREATE") for statement in statements)


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_no_key_is_of_a_kind_that_mysql_cannot_index(table: sa.Table) -> None:
    keys: list[sa.PrimaryKeyConstraint | sa.Index | sa.UniqueConstraint] = [table.primary_key, *table.indexes]
    keys += [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]

    types = [column.type.compile(mysql.dialect()) for key in keys for column in key.columns]

    assert [name for name in types if "BLOB" in name or "TEXT" in name or name == "JSON"] == []


def test_installing_twice_says_what_was_done_once(open_database: Open) -> None:
    tables = SqlSchema(open_database())

    assert [len(tables.install()), len(tables.install())] == [1, 0]


def test_a_home_in_order_has_no_problem(database: Database) -> None:
    findings = SqlSchema(database).examine()

    assert {finding.health for finding in findings} == {Health.OK}
    assert {finding.subject for finding in findings} == {"file", "version", "latency", "permissions", "tables"}


def test_examining_a_home_that_is_not_there_makes_none(path: Path, open_database: Open) -> None:
    [finding] = SqlSchema(open_database()).examine()

    assert (finding.health, path.exists()) == (Health.OK, False)


def test_old_tables_are_found_and_setup_is_named(open_database: Open) -> None:
    database = open_database()
    with database.writing() as connection:
        command.upgrade(_config(connection), "0001")

    [finding] = [found for found in SqlSchema(database).examine() if found.health is not Health.OK]

    assert (finding.subject, finding.health) == ("tables", Health.FAILED)
    assert "penchant setup" in finding.remedy


def test_a_file_that_is_no_database_is_found(path: Path, open_database: Open) -> None:
    path.write_bytes(b"This is a letter to my aunt. " * 100)

    [finding] = SqlSchema(open_database()).examine()

    assert (finding.subject, finding.health) == ("file", Health.FAILED)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://user:secret@host:port/name",
        "mysql://user:a@secret/secret@host/name",
        "postgresql://user:secret@host/name",
    ],
)
def test_an_address_of_another_kind_is_a_wrong_setting_and_its_password_is_not_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
        Database(url, "DATABASE_URL")

    assert "secret" not in str(caught.value)


def test_a_full_database_says_so_and_keeps_nothing_of_what_it_could_not_take(
    database: Database, open_database: Open
) -> None:
    _record(SqlEventLog(database), "m0")
    full = open_database("max_page_count = 1")  # no less than what the file has already
    log = SqlEventLog(full)

    with pytest.raises(StorageFullError) as caught:
        _record(log, *(f"m{n}" for n in range(1, 2_000)))

    assert (log.count(), log.heads_of([PHRASE]), SqlOutbox(full).depth()) == (1, {PHRASE: 1}, 1)
    assert "DATABASE_URL" in str(caught.value)
    assert PHRASE not in _all_that_is_said_of(caught.value)
    _record(SqlEventLog(database), "m1")  # where there is room


def test_a_disk_that_is_full_half_way_through_the_migrations_leaves_no_tables(open_database: Open) -> None:
    with pytest.raises(StorageFullError):
        SqlSchema(open_database("max_page_count = 8")).upgrade()

    database = open_database()
    assert _tables(database) == set()
    assert SqlSchema(database).upgrade()


def test_a_locked_database_may_be_written_later(database: Database, path: Path, open_database: Open) -> None:
    log = SqlEventLog(open_database("busy_timeout = 0"))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(TransientError) as caught:
        _record(log, "m1")
    assert log.count() == 0
    holder.rollback()
    holder.close()
    _record(log, "m1")

    assert log.count() == 1
    assert type(caught.value) is TransientError
    assert PHRASE not in _all_that_is_said_of(caught.value)


def test_a_file_that_is_no_database_is_a_wrong_setting(path: Path, open_database: Open) -> None:
    path.write_bytes(b"This is a letter to my aunt. " * 100)

    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        SqlEventLog(open_database()).count()

    assert path.read_bytes() == b"This is a letter to my aunt. " * 100


@pytest.mark.parametrize("name", [".", "missing/folder/penchant.sqlite"], ids=["a folder", "in no folder"])
def test_a_path_that_cannot_be_opened_is_a_wrong_setting(tmp_path: Path, open_database: Open, name: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        SqlSchema(open_database(at=tmp_path / name)).revision()


def test_a_database_that_may_only_be_read_is_a_wrong_setting(database: Database, path: Path) -> None:
    read_only = Database(f"sqlite:///file:{path}?mode=ro&uri=true", "DATABASE_URL")

    with pytest.raises(ConfigurationError, match="permissions") as caught:
        _record(SqlEventLog(read_only), "m1")
    read_only.dispose()

    assert SqlEventLog(database).count() == 0
    assert PHRASE not in _all_that_is_said_of(caught.value)


def test_missing_tables_are_a_wrong_setting_with_a_remedy(open_database: Open) -> None:
    with pytest.raises(ConfigurationError, match="penchant setup") as caught:
        _record(SqlEventLog(open_database()), "m1")

    assert PHRASE not in _all_that_is_said_of(caught.value)


def test_a_taken_key_says_nothing_of_what_was_to_be_written(database: Database) -> None:
    log = SqlEventLog(database)
    _record(log, "m1")

    with pytest.raises(LostRaceError) as caught:
        _record(log, "m1")

    assert PHRASE not in _all_that_is_said_of(caught.value)
    assert "m1" not in str(caught.value)


def test_a_value_that_a_column_refuses_is_no_lost_race(database: Database) -> None:
    nonsense = stored_state(PHRASE, norm=float("nan"))  # SQLite keeps NaN as NULL

    with pytest.raises(PenchantError) as caught:
        SqlUserEmbeddingStore(database, DIMENSIONS).write([StateWrite(state=nonsense, expected=None)])

    assert not isinstance(caught.value, TransientError)
    assert PHRASE not in _all_that_is_said_of(caught.value)
