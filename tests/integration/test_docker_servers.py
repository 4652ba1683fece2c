"""What the containers of the servers are given, tried on the same servers outside of containers."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import amqp
import pytest
import redis
from amqp.exceptions import AccessRefused
from redis.exceptions import NoPermissionError

from tests.documents import ROOT, Document
from tests.integration.http_api import refusals_of_redis, serving, starting
from tests.integration.production import search
from tests.integration.program import Program
from tests.services import rabbitmq_node
from tests.services.child import Child
from tests.services.ports import LOOPBACK, free_port
from tests.services.server import program as program_of
from tests.services.waiting import wait_until

pytestmark = pytest.mark.slow

DOCKER = ROOT / "docker"
DEPLOYMENT = Document(path=ROOT / "docs" / "deployment.md")
SECURITY = ROOT / "docs" / "security.md"
KEPT = {"limits", "phrase", "phrases"}
START_SECONDS = 60.0


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What docker/make-secrets.sh makes."""
    folder = tmp_path_factory.mktemp("docker") / "secrets"
    subprocess.run(["sh", DOCKER / "make-secrets.sh", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def rabbitmq_port(secrets: Path) -> Iterator[int]:
    """The port of a RabbitMQ with the configuration of its container."""
    script = rabbitmq_node.script()
    if script is None:
        pytest.skip("install rabbitmq-server (`make services`)")
    ports = (free_port(), free_port(), free_port())
    node = rabbitmq_node.node(script, ports, "unused", "unused")
    moved = ("management.tcp.port", "prometheus.tcp.port", "log.", "disk_free_limit")
    kept = [
        line for line in (DOCKER / "rabbitmq" / "rabbitmq.conf").read_text().splitlines() if not line.startswith(moved)
    ]
    file = node.broker.folder / "rabbitmq.conf"
    its_own = [line for line in file.read_text().splitlines() if not line.startswith("default_")]
    file.write_text("\n".join([*its_own, *kept]).replace("/run/secrets", str(secrets)) + "\n")
    node.start()
    try:
        yield ports[0]
    finally:
        node.close()


@pytest.fixture
def redis_port(secrets: Path, tmp_path: Path) -> Iterator[int]:
    """The port of a Redis with the users of its container."""
    server = program_of("redis-server")
    if server is None:
        pytest.skip("install redis-server (`make services`)")
    port = free_port()
    command = (server, "--port", str(port), "--bind", LOOPBACK, "--aclfile", str(secrets / "redis_users.acl"))
    child = Child(command=command, folder=tmp_path)
    child.start()
    try:
        yield port
    finally:
        child.kill()


@pytest.fixture
def redis_address(secrets: Path, redis_port: int) -> str:
    """What the containers have as REDIS_URL, once that Redis answers."""
    url = (secrets / "redis_url").read_text().strip().replace("@redis/", f"@{LOOPBACK}:{redis_port}/")
    with redis.Redis.from_url(url) as penchant:
        wait_until(lambda: _answers(penchant), START_SECONDS, "Redis to answer")
    return url


def _kinds_of_keys(url: str) -> set[str]:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return {key.split(":")[2] for key in client.scan_iter()}


def _connected(dsn: str, port: int) -> amqp.Connection:
    url = urlsplit(dsn)

    def connected() -> amqp.Connection | None:
        connection = amqp.Connection(
            host=f"{LOOPBACK}:{port}", userid=url.username, password=url.password, virtual_host=unquote(url.path[1:])
        )
        try:
            connection.connect()
        except OSError:  # it is still starting
            return None
        return connection

    return wait_until(connected, START_SECONDS, "RabbitMQ to let the user in")


def test_the_users_of_rabbitmq_may_do_what_they_need_and_no_more(
    secrets: Path, rabbitmq_port: int, program: Program
) -> None:
    dsn = (secrets / "rabbitmq_dsn").read_text().strip()
    _connected(dsn, rabbitmq_port).close()
    program.ok("setup", RABBITMQ_DSN=dsn.replace("@rabbitmq/", f"@{LOOPBACK}:{rabbitmq_port}/"))

    shop = _connected((secrets / "shop_rabbitmq_dsn").read_text().strip(), rabbitmq_port)
    channel = shop.channel()
    channel.confirm_select()
    channel.basic_publish_confirm(amqp.Message("{}"), "user_embedding_updates", "user_embedding_updates")

    with pytest.raises(AccessRefused):
        channel.basic_publish_confirm(amqp.Message("{}"), "events", "user.event")
    shop.collect()


def test_the_user_of_redis_may_use_its_own_keys_only(redis_address: str, redis_port: int) -> None:
    with redis.Redis.from_url(redis_address) as penchant:
        assert penchant.mset({"penchant:a": "1"})
        with pytest.raises(NoPermissionError):
            penchant.mset({"other": "1"})
        with pytest.raises(NoPermissionError):
            penchant.flushdb()
    with redis.Redis(host=LOOPBACK, port=redis_port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_the_user_of_redis_may_count_requests_keep_phrases_and_forget_these(
    redis_address: str, program: Program
) -> None:
    with serving(starting(program), REDIS_URL=redis_address, PENCHANT_RATE_LIMIT_PER_USER="9000/day") as api:
        api.post("/events", search("1", "ann", "tea")).raise_for_status()
        api.wait_for_embedding("ann", 1)
        wait_until(lambda: _kinds_of_keys(redis_address) == KEPT, START_SECONDS, "all that is kept in Redis")
        assert not refusals_of_redis(api)

    (command,) = [line for line in DEPLOYMENT.blocks("sh").splitlines() if line.startswith("redis-cli")]
    environment = {**os.environ, "REDIS_URL": redis_address}
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=environment, check=True)

    assert _kinds_of_keys(redis_address) == {"limits"}


def test_the_user_of_redis_has_the_rights_of_the_guide(secrets: Path) -> None:
    texts = (SECURITY.read_text(encoding="utf-8"), (secrets / "redis_users.acl").read_text())

    in_guide, in_file = (re.findall(r"penchant on \S+ (resetkeys .*)$", text, re.MULTILINE) for text in texts)

    assert in_guide
    assert in_guide == in_file


def test_the_script_for_the_users_of_mongodb_can_be_read() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not on this machine")
    subprocess.run([node, "--check", DOCKER / "mongodb" / "initiate.js"], check=True)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
