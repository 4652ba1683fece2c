"""The tables on a real MySQL: made once by however many come at once, mended when cut short, and examined."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from secrets import token_hex

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from adapters.sql.database import Database
from adapters.sql.schema import SqlSchema
from adapters.sql.tables import metadata
from application.ports.examinable import Finding, Health
from domain.errors import ConfigurationError
from tests.integration.mysql_tables import opened
from tests.services import MysqlServer

PROCESSES = 3


@pytest.fixture
def databases(mysql_url: str) -> Iterator[list[Database]]:
    databases = [Database(mysql_url, "DATABASE_URL") for _ in range(PROCESSES)]
    yield databases
    for database in databases:
        database.dispose()


@contextmanager
def _user(server: MysqlServer, grant: str) -> Iterator[tuple[str, str]]:
    """The name and password of a user of its own."""
    name, password = f"penchant_test_{token_hex(4)}", token_hex(8)
    with closing(server.connect()) as connection:
        connection.query(f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'")
        try:
            connection.query(f"{grant} {name}@'%'")
            yield name, password
        finally:
            connection.query(f"DROP USER {name}@'%'")


def _problems(findings: Sequence[Finding]) -> dict[str, Health]:
    return {finding.subject: finding.health for finding in findings if finding.health is not Health.OK}


def test_the_migrations_make_the_tables_that_the_program_uses(databases: list[Database]) -> None:
    SqlSchema(databases[0]).install()

    with databases[0].reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_of_several_that_install_at_once_one_makes_the_tables_and_none_fails(databases: list[Database]) -> None:
    with ThreadPoolExecutor(PROCESSES) as threads:
        said = list(threads.map(lambda database: SqlSchema(database).install(), databases))

    assert sorted(map(len, said)) == [0] * (PROCESSES - 1) + [1]
    assert SqlSchema(databases[0]).is_current()
    assert SqlSchema(databases[0]).install() == []


def test_an_installation_that_was_cut_short_is_finished_by_the_next(databases: list[Database]) -> None:
    SqlSchema(databases[0]).install()
    with databases[0].writing() as connection:  # as if it had died before the second step
        connection.exec_driver_sql("DROP TABLE user_embeddings")
        connection.exec_driver_sql("DROP INDEX ix_user_interactions_occurred_at ON user_interactions")
        connection.exec_driver_sql("DELETE FROM alembic_version")

    assert len(SqlSchema(databases[0]).install()) == 1

    with databases[0].reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_text_is_compared_byte_by_byte_whatever_the_database_was_made_for(
    databases: list[Database], mysql_server: MysqlServer
) -> None:
    name = sa.make_url(databases[0].address).database
    with closing(mysql_server.connect()) as connection:
        connection.query(f"ALTER DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci")

    SqlSchema(databases[0]).install()

    query = "SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    where = " AND COLLATION_NAME IS NOT NULL AND TABLE_NAME <> 'alembic_version'"
    with databases[0].reading() as connection:
        collations = set(connection.exec_driver_sql(query + where).scalars())
    assert len(collations) == 1
    assert collations <= {"utf8mb4_nopad_bin", "utf8mb4_0900_bin"}


def test_what_is_set_up_has_no_problem(mysql_url: str) -> None:
    with opened(mysql_url) as [database]:
        findings = SqlSchema(database).examine()

    assert _problems(findings) == {}
    assert {finding.subject for finding in findings} >= {
        "version", "latency", "permissions", "collation", "clock", "binary log", "largest statement", "tables",
    }  # fmt: skip


def test_missing_tables_are_found_and_setup_is_named(databases: list[Database]) -> None:
    findings = SqlSchema(databases[0]).examine()

    assert _problems(findings) == {"tables": Health.FAILED}
    assert "penchant setup" in findings[-1].remedy


def test_tables_that_take_ids_for_one_another_are_found(mysql_url: str) -> None:
    with opened(mysql_url) as [database]:
        with database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE registry CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        [finding] = [found for found in SqlSchema(database).examine() if found.health is not Health.OK]

    assert (finding.subject, finding.health) == ("collation", Health.FAILED)
    assert "registry" in finding.text


def test_a_user_who_may_only_read_is_found_and_told_what_to_grant(mysql_url: str, mysql_server: MysqlServer) -> None:
    url = sa.make_url(mysql_url)
    with opened(mysql_url), _user(mysql_server, f"GRANT SELECT ON {url.database}.* TO") as (name, password):
        reader = Database(
            url.set(username=name, password=password).render_as_string(hide_password=False), "DATABASE_URL"
        )
        problems = [found for found in SqlSchema(reader).examine() if found.health is not Health.OK]
        with pytest.raises(ConfigurationError, match="GRANT"), reader.writing() as connection:
            connection.exec_driver_sql("DELETE FROM outbox")
        reader.dispose()

    assert [finding.subject for finding in problems] == ["permissions"]
    assert "INSERT into" in problems[0].text
    assert f"ON `{url.database}`.*" in problems[0].remedy


def test_a_server_that_cannot_be_reached_is_one_finding(mysql_url: str) -> None:
    nowhere = sa.make_url(mysql_url).set(port=1).render_as_string(hide_password=False)

    [finding] = SqlSchema(Database(nowhere, "DATABASE_URL")).examine()

    assert (finding.subject, finding.health) == ("connection", Health.FAILED)
