"""Tables of another version than the program: what runs goes on, and what starts is tried again by its supervisor."""

import sqlite3
from contextlib import closing

from tests.integration.http_api import serving, starting
from tests.integration.production import search
from tests.integration.program import Program

TRY_AGAIN = 1
"""The exit code after which every supervisor starts a program again; 2 is for good (RestartPreventExitStatus)."""


def _extend_tables(program: Program) -> None:
    """What the next version's `penchant setup` may do."""
    with closing(sqlite3.connect(program.home / "penchant.db")) as connection, connection:
        for table in ("user_interactions", "outbox", "user_embeddings", "dead_letters"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN of_the_next_version TEXT")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def test_a_process_that_runs_goes_on_while_tables_become_newer(program: Program) -> None:
    with serving(starting(program)) as api:
        api.post("/events", search("before", "ann", "tea")).raise_for_status()
        api.wait_for_embedding("ann", 1)

        _extend_tables(program)

        api.post("/events", search("after", "ann", "tea pot")).raise_for_status()
        api.wait_for_embedding("ann", 2)


def test_a_program_that_starts_on_newer_tables_may_be_tried_again(program: Program) -> None:
    program.ok("setup")
    _extend_tables(program)

    outcome = program.run("stats")

    assert (outcome.code, "newer than this program" in outcome.stderr) == (TRY_AGAIN, True)


def test_a_program_that_starts_before_setup_may_be_tried_again(program: Program, mysql_url: str) -> None:
    outcome = program.run("worker", DATABASE_URL=mysql_url)

    assert (outcome.code, "run `penchant setup`" in outcome.stderr) == (TRY_AGAIN, True)
