"""The servers of the tests: found, fresh, stoppable, and gone with the run that started them."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pymysql
import pytest
import redis
import sqlalchemy as sa
from amqp import Message
from amqp.exceptions import AccessRefused
from qdrant_client import models

from tests import services
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.ports import share_of
from tests.services.qdrant import QdrantServer
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.servers import Servers

ROOT = Path(__file__).parents[2]
RUN_THAT_WAITS = """
import sys, threading
from tests import services
server = services.openai_stub()
server.start()
again = threading.Thread(target=lambda: (server.kill(), server.start()))
again.start()
again.join()
print(server.runner.pid, server.runner.folder, flush=True)
sys.stdin.read()
"""


def test_waiting_returns_the_first_answer_that_is_true() -> None:
    answers = iter([0, "", None, 7])
    assert services.wait_until(lambda: next(answers), 10, "an answer") == 7


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(TimeoutError, match="in vain for a miracle; the last answer was 0"):
        services.wait_until(lambda: 0, 0, "a miracle")


def test_processes_of_one_run_are_given_no_port_in_common() -> None:
    shares = [set(share_of(f"gw{number}", 3)) for number in range(3)]

    assert len(set().union(*shares)) == sum(map(len, shares))
    assert all(shares)


def test_servers_and_data_of_a_run_that_is_killed_are_gone_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN_THAT_WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        assert psutil.Process(int(pid)).is_running()  # though the thread that started it has ended
        run.kill()
        services.wait_until(lambda: _ended(int(pid)), 30, "the server to be gone")
        services.wait_until(lambda: not Path(folder).exists(), 30, "its data to be gone")


def test_a_server_of_the_environment_is_used_and_never_stopped(redis_server: RedisServer) -> None:
    server = services.redis({"REDIS_URL": redis_server.url})
    with server:
        assert server.origin == services.Origin.ENVIRONMENT
        assert server.version == redis_server.version
        with pytest.raises(services.NotOurs):
            server.kill()
    assert redis_server.running


def test_a_logical_database_that_holds_anything_is_left_alone(redis_server: RedisServer) -> None:
    with redis_server.database() as taken, redis.Redis.from_url(taken) as owner:
        owner.set("kept", "1")
        somebody_else = services.redis({"REDIS_URL": redis_server.url})
        with somebody_else.database() as one, somebody_else.database() as other:
            assert len({one, other, taken}) == 3
            with redis.Redis.from_url(one) as connection:
                connection.set("dropped", "1")
        with redis.Redis.from_url(one) as connection:
            assert connection.keys() == []
        assert owner.get("kept") == b"1"


def test_a_server_that_was_killed_comes_back_where_it_was(mysql_server: MysqlServer, mysql_url: str) -> None:
    engine = sa.create_engine(mysql_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (number INT)"))
        connection.execute(sa.text("INSERT INTO kept VALUES (7)"))
    mysql_server.kill()
    assert not mysql_server.running
    with pytest.raises(sa.exc.OperationalError), engine.connect():
        pass
    mysql_server.start()
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT number FROM kept")).scalar_one() == 7


def test_a_server_that_is_frozen_answers_again_when_it_is_started(redis_server: RedisServer) -> None:
    redis_server.pause()
    with redis.Redis.from_url(redis_server.url, socket_timeout=0.05) as connection, pytest.raises(redis.TimeoutError):
        connection.ping()
    redis_server.start()
    with redis_server.connect() as connection:
        assert connection.ping()


def test_a_database_is_dropped_although_a_transaction_is_open(mysql_server: MysqlServer) -> None:
    with mysql_server.database() as url:
        parts = sa.make_url(url)
        open_one = pymysql.connect(
            host=parts.host, port=parts.port, user=parts.username, password=parts.password, database=parts.database
        )
        with open_one.cursor() as cursor:
            cursor.execute("CREATE TABLE held (number INT)")
            cursor.execute("INSERT INTO held VALUES (1)")
    open_one.close()
    with closing(mysql_server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE %s", (parts.database,))
        assert cursor.fetchall() == ()


def test_a_broker_tells_of_its_queues(rabbitmq_server: RabbitmqServer, rabbitmq_url: str) -> None:
    arguments = {"x-queue-type": "quorum"}
    with rabbitmq_server.connection(rabbitmq_url) as connection:
        connection.channel().queue_declare("work", durable=True, auto_delete=False, arguments=arguments)
    queue = rabbitmq_server.queue(rabbitmq_url, "work")
    assert (queue.type, queue.arguments, queue.ready, queue.consumers) == ("quorum", arguments, 0, 0)
    assert rabbitmq_server.queues(rabbitmq_url) == ["work"]


def test_a_broker_tells_how_many_messages_wait_for_an_answer(
    rabbitmq_server: RabbitmqServer, rabbitmq_url: str
) -> None:
    with rabbitmq_server.connection(rabbitmq_url) as connection:
        channel = connection.channel()
        channel.queue_declare("work", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        for _ in range(3):
            channel.basic_publish(Message("event"), routing_key="work")
        services.wait_until(lambda: channel.basic_get("work"), 30, "a message")
        services.wait_until(lambda: rabbitmq_server.queue(rabbitmq_url, "work").unacknowledged == 1, 30, "the total")
        assert rabbitmq_server.queue(rabbitmq_url, "work").ready == 2


def test_a_user_of_the_broker_may_do_what_it_was_permitted(rabbitmq_server: RabbitmqServer, rabbitmq_url: str) -> None:
    with (
        rabbitmq_server.user(rabbitmq_url, configure="mine") as url,
        rabbitmq_server.connection(url) as connection,
    ):
        channel = connection.channel()
        channel.queue_declare("mine", durable=True)
        with pytest.raises(AccessRefused):
            channel.queue_declare("yours", durable=True)


def test_a_database_of_documents_is_fresh_and_dropped(mongodb_server: MongodbServer) -> None:
    with mongodb_server.space() as space, mongodb_server.connect() as client:
        assert client[space.database].things.count_documents({}) == 0
        client[space.database].things.insert_one({"number": 1})
    with mongodb_server.connect() as client:
        assert space.database not in client.list_database_names()


def test_an_index_of_vectors_is_empty_and_emptied(qdrant_server: QdrantServer) -> None:
    with qdrant_server.space(), closing(qdrant_server.connect()) as client:
        assert client.get_collections().collections == []
        client.create_collection("things", vectors_config=models.VectorParams(size=4, distance=models.Distance.DOT))
        alias = models.CreateAlias(collection_name="things", alias_name="searched")
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    with closing(qdrant_server.connect()) as client:
        assert client.get_collections().collections == []
        assert client.get_aliases().aliases == []


def test_an_index_that_holds_anything_is_left_alone(qdrant_server: QdrantServer) -> None:
    with qdrant_server.space() as url, closing(qdrant_server.connect()) as client:
        client.create_collection("kept", vectors_config=models.VectorParams(size=4, distance=models.Distance.DOT))
        somebody_else = services.qdrant({"QDRANT_URL": url})
        with pytest.raises(RuntimeError, match="holds something"), somebody_else.space():
            pass
        assert client.collection_exists("kept")


def test_a_server_that_cannot_be_had_skips_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Redis CANNOT BE HAD HERE: buy one"):
        Servers({RedisServer: _nowhere}).get(RedisServer)


def test_a_server_that_cannot_be_had_fails_its_tests_where_everything_should_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Redis CANNOT BE HAD HERE: buy one"):
        Servers({RedisServer: _nowhere}).get(RedisServer)


def test_no_server_of_the_environment_reaches_a_program_under_test() -> None:
    settings = {"DATABASE_URL", "MONGODB_URL", "OPENAI_API_KEY", "QDRANT_URL", "RABBITMQ_DSN", "REDIS_URL"}
    assert not settings & os.environ.keys()


def _nowhere() -> RedisServer:
    raise services.Unavailable("Redis", "buy one")


def _ended(pid: int) -> bool:
    """A process that nobody has waited for yet has ended too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
