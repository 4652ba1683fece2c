"""Everything works with the rights that docs/security.md grants, word for word, and with no others."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pymysql
import pytest
import sqlalchemy as sa

from adapters.rabbitmq.topology import Topology
from adapters.sql.mysql import PRIVILEGES
from application.ports.queues import GRAPH_QUEUE
from tests.integration.http_api import refusals_of_redis, serving
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import MARK, Production, production_fixture, search  # noqa: F401
from tests.services.mysql import PREFIX, MysqlServer
from tests.services.redis import RedisServer
from tests.services.server import NotOurs, Origin
from tests.services.waiting import wait_until

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
DEFINITIONS = ROOT / "docker" / "rabbitmq" / "definitions.json"


def documented(pattern: str) -> str:
    """The one line of the document that begins so."""
    (line,) = re.findall(rf"^{pattern}.*$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(line)


def permissions_of_penchant() -> list[str]:
    """What its user of RabbitMQ may configure, write and read."""
    return re.findall(r"'([^']*)'", documented("rabbitmqctl set_permissions -p / penchant"))


@contextmanager
def mysql_user(server: MysqlServer, url: str, grant: str) -> Iterator[str]:
    """The URL of a database for a fresh user with a documented grant."""
    made, password = sa.make_url(url), secrets.token_hex(8)
    name = f"{PREFIX}{secrets.token_hex(4)}"
    with closing(server.connect()) as connection:
        connection.query(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        statement = documented(grant).replace("penchant.*", f"{made.database}.*")
        connection.query(statement.replace("'penchant'", f"'{name}'"))
        try:
            yield made.set(username=name, password=password).render_as_string(hide_password=False)
        finally:
            connection.query(f"DROP USER '{name}'@'%'")


@contextmanager
def redis_user(server: RedisServer, url: str) -> Iterator[str]:
    """The URL of a logical database for a user with the documented rights."""
    if server.origin == Origin.ENVIRONMENT:
        raise NotOurs("a server of the environment is not ours to configure")
    rule = documented("ACL SETUSER").replace(">PASSWORD", ">hidden-pass")
    with server.connect() as client:
        client.execute_command(*rule.split())
        try:
            parts = urlsplit(url)
            yield urlunsplit(parts._replace(netloc=f"penchant:hidden-pass@{parts.hostname}:{parts.port}"))
        finally:
            client.acl_deluser("penchant")


@pytest.fixture(scope="module")
def least(production: Production) -> Iterator[Mapping[str, str]]:
    """The variables of the production, with users who have the documented rights and no others."""
    variables = production.variables
    permissions = permissions_of_penchant()
    with ExitStack() as stack:
        yield {
            "DATABASE_URL": stack.enter_context(
                mysql_user(production.mysql, variables["DATABASE_URL"], "GRANT SELECT, INSERT, UPDATE, DELETE ON")
            ),
            "RABBITMQ_DSN": stack.enter_context(production.rabbitmq.user(variables["RABBITMQ_DSN"], *permissions)),
            "REDIS_URL": stack.enter_context(redis_user(production.redis, variables["REDIS_URL"])),
            "PENCHANT_RATE_LIMIT_PER_KEY": "1000/day",
            "PENCHANT_RATE_LIMIT_PER_USER": "1000/day",
        }


def test_the_service_and_its_workers_need_no_more_than_is_documented(
    production: Production, least: Mapping[str, str]
) -> None:
    with serving(production.start, **least) as api:
        answers = [api.post("/events", search(f"least-{number}", "least", f"mug {number}")) for number in range(20)]
        assert {answer.status_code for answer in answers} == {202}
        with production.start("worker", **least) as worker:
            api.wait_for_embedding("least", 20)
        assert not refusals_of_redis(api)

    assert not [line for line in worker.journal() if line["level"] != "info"]
    assert _is_counted_in_redis(production)
    assert _phrases_are_in_redis(production)
    for command in ("verify --all", "catch-up --older-than 0", "replay --all", "failed list"):
        production.ok(*command.split(), **least)


def test_doctor_finds_nothing_wrong_with_these_rights(production: Production, least: Mapping[str, str]) -> None:
    outcome = production.run("doctor", "--json", **least)

    findings = outcome.json["findings"]
    assert not [found for found in findings if found["health"] == "failed"], findings
    assert {found["part"] for found in findings} >= {"Redis", "RabbitMQ"}


def test_with_these_rights_nobody_can_change_tables_or_read_other_databases(
    production: Production, least: Mapping[str, str]
) -> None:
    url = sa.make_url(least["DATABASE_URL"])
    login = {"user": url.username, "password": url.password or "", "database": url.database}
    with closing(pymysql.connect(host=url.host, port=url.port or 3306, **login)) as connection:
        for statement in ("DROP TABLE outbox", "CREATE TABLE mine (id INT)", "SELECT * FROM mysql.user"):
            with pytest.raises(pymysql.err.MySQLError, match="denied"), connection.cursor() as cursor:
                cursor.execute(statement)


def test_setup_needs_the_rights_that_are_documented_for_it(
    production: Production, mysql_server: MysqlServer, mysql_url: str
) -> None:
    with mysql_user(mysql_server, mysql_url, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE") as url:
        production.ok("setup", DATABASE_URL=url)
        production.ok("setup", DATABASE_URL=url)


def test_who_is_told_to_grant_rights_is_told_those_of_the_guide() -> None:
    assert documented("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE").startswith(f"GRANT {PRIVILEGES} ON penchant.* ")


def test_the_user_of_rabbitmq_has_a_right_to_every_exchange_and_queue_and_to_none_of_the_broker_s() -> None:
    topology = Topology(purchases_first=True, fan_out=(GRAPH_QUEUE,))
    parts = (*topology.exchanges("fanout"), *topology.queues(), *topology.delay_queues())

    for permission in permissions_of_penchant():
        assert [part.name for part in parts if not re.search(permission, part.name)] == []
        assert not re.search(permission, "amq.default")


def test_the_user_of_rabbitmq_in_containers_has_the_rights_of_the_guide() -> None:
    (there,) = [entry for entry in json.loads(DEFINITIONS.read_text())["permissions"] if entry["user"] == "penchant"]

    assert [there[what] for what in ("configure", "write", "read")] == permissions_of_penchant()


def _is_counted_in_redis(production: Production) -> bool:
    number = int(urlsplit(production.variables["REDIS_URL"]).path.strip("/"))
    with production.redis.connect(number) as client:
        return bool(client.keys("penchant:*:limits:*"))


def _phrases_are_in_redis(production: Production) -> bool:
    number = int(urlsplit(production.variables["REDIS_URL"]).path.strip("/"))
    with production.redis.connect(number) as client:
        return wait_until(lambda: bool(client.keys("penchant:*:phrase:*")), DEADLINE_SECONDS, "phrases in Redis")
