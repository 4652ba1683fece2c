"""A wrong password, a missing database, an unreachable host: one paragraph with the setting's name, at once."""

from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.integration.explanations import assert_explains
from tests.integration.production import Production, production_fixture, search  # noqa: F401
from tests.services.ports import LOOPBACK, free_port

WRONG = "not-the-secret-word"
CONFIGURATION, TRANSIENT = 2, 1
TRY_AGAIN = 1
"""With tables of another version: an upgrade may be under way (test_upgrades.py)."""


def with_password(url: str) -> str:
    """The URL with another password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{WRONG}@{parts.hostname}:{parts.port}"))


def with_path(url: str, path: str) -> str:
    """The URL with another database, or virtual host."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def elsewhere(url: str) -> str:
    """The URL with a port where nobody listens."""
    parts = urlsplit(with_password(url))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[0] + f"@{LOOPBACK}:{free_port()}"))


WORKER, STATS = ("worker",), ("stats",)
CASES = [
    pytest.param(command, setting, change, code, id=f"{command[0]}-{setting}-{name}")
    for setting, name, change, code, commands in (
        ("DATABASE_URL", "password", with_password, CONFIGURATION, (WORKER, STATS)),
        ("DATABASE_URL", "database", lambda url: with_path(url, "nowhere"), CONFIGURATION, (WORKER, STATS)),
        ("DATABASE_URL", "host", elsewhere, TRANSIENT, (WORKER, STATS)),
        ("RABBITMQ_DSN", "password", with_password, CONFIGURATION, (WORKER,)),
        ("RABBITMQ_DSN", "vhost", lambda url: with_path(url, "nowhere"), CONFIGURATION, (WORKER,)),
        ("RABBITMQ_DSN", "host", elsewhere, TRANSIENT, (WORKER, ("failed", "list"))),
        ("MONGODB_URL", "password", lambda url: with_password(url).replace("://:", "://u:"), 2, (WORKER, STATS)),
        ("MONGODB_URL", "host", lambda url: elsewhere(url).replace("://:", "://u:"), TRANSIENT, (WORKER, STATS)),
    )
    for command in commands
]


@pytest.mark.parametrize(("command", "setting", "change", "code"), CASES)
def test_a_setting_that_cannot_work_is_one_paragraph(
    production: Production, command: tuple[str, ...], setting: str, change, code: int
) -> None:
    url = change(production.variables[setting])
    outcome = production.run(*command, **{setting: url})
    assert outcome.code == code, outcome.stderr
    assert_explains(outcome, setting, url)


def test_several_workers_say_once_what_is_wrong(production: Production) -> None:
    url = with_password(production.variables["RABBITMQ_DSN"])
    outcome = production.run("worker", "--concurrency", "3", RABBITMQ_DSN=url)
    assert outcome.code == CONFIGURATION
    assert_explains(outcome, "RABBITMQ_DSN", url)


def test_missing_tables_and_queues_name_the_command_that_makes_them(production: Production) -> None:
    with production.mysql.database() as database_url, production.rabbitmq.vhost() as broker_url:
        tables = production.run("worker", DATABASE_URL=database_url)
        queues = production.run("worker", RABBITMQ_DSN=broker_url)
    assert (tables.code, queues.code) == (TRY_AGAIN, TRY_AGAIN)
    for outcome, setting in ((tables, "DATABASE_URL"), (queues, "RABBITMQ_DSN")):
        assert setting in outcome.stderr
        assert "`penchant setup`" in outcome.stderr


@pytest.mark.parametrize(
    ("setting", "name", "change"),
    [
        pytest.param("DATABASE_URL", "DATABASE_URL", with_password, id="mysql"),
        pytest.param("RABBITMQ_DSN", "RABBITMQ_DSN", elsewhere, id="rabbitmq"),
        pytest.param("MONGODB_URL", "MONGODB_URL", lambda url: elsewhere(url).replace("://:", "://u:"), id="mongodb"),
        pytest.param("REDIS_URL", "REDIS_URL", with_password, id="redis-password"),
        pytest.param("REDIS_URL", "REDIS_URL", lambda url: with_path(url, "9999"), id="redis-database"),
        pytest.param("REDIS_URL", "REDIS_URL", elsewhere, id="redis-host"),
        pytest.param("OPENAI_API_KEY", "OPENAI_API_KEY", lambda _: f"sk-{WRONG}", id="openai-key"),
        pytest.param("OPENAI_BASE_URL", "OPENAI_BASE_URL", elsewhere, id="openai-host"),
    ],
)
def test_doctor_names_the_setting_and_exits_with_1(production: Production, setting: str, name: str, change) -> None:
    outcome = production.run("doctor", "--json", **{setting: change(production.variables[setting])})
    failed = [finding for finding in outcome.json["findings"] if finding["health"] == "failed"]
    assert outcome.code == 1
    assert outcome.stderr == ""
    assert any(name in finding["text"] + finding["remedy"] for finding in failed), failed
    assert WRONG not in outcome.stdout


@pytest.mark.parametrize("change", [with_password, elsewhere], ids=["password", "host"])
def test_a_worker_works_without_its_cache_and_says_so_at_its_start(production: Production, change) -> None:
    outcome = production.process("worker", "--time-limit", "1", REDIS_URL=change(production.variables["REDIS_URL"]))
    told = [line for line in outcome.stderr.splitlines() if "cache_out_of_reach" in line]
    assert outcome.code == 0, outcome.stderr
    assert len(told) == 1
    assert "REDIS_URL" in told[0]
    assert WRONG not in outcome.stderr


def test_a_key_that_is_not_accepted_ends_the_worker_at_the_first_search_and_costs_no_event(
    production: Production,
) -> None:
    production.record([search("key-1", "key-user", "tea")])
    outcome = production.process("worker", OPENAI_API_KEY=f"sk-{WRONG}")
    last = outcome.stderr.splitlines()[-1]
    assert outcome.code == CONFIGURATION, outcome.stderr
    assert last.startswith("penchant: ")
    assert "OPENAI_API_KEY" in last
    assert WRONG not in outcome.stderr
    production.finish({"key-user": 1})
    assert production.dead() == []
