"""Penchant on real servers: a fresh space on each of them, the program on these, and what it has come to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from attrs import field, frozen

from application.event_message import Submission, parse_event
from application.ports.dead_letters import DeadLetter
from application.ports.queues import WORK_QUEUES
from application.record import Receipt, RecordStatus
from domain.user_embedding import UserEmbedding
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.integration.counting import wait_until_counted
from tests.integration.explanations import assert_not_in
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.program import Outcome, Program
from tests.services.mongodb import MongodbServer
from tests.services.mysql import MysqlServer
from tests.services.openai_stub import OpenaiStub
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.server import start_together
from tests.services.waiting import wait_until

WORK, FAILED = "user_embedding_updates", "failed"
MARK = "zebrafinch"
"""In every phrase, so that one that is printed is found."""
DIMENSIONS = 64
"""Of the vectors: short ones, so that the tests spend their time on what they are about."""


@frozen(kw_only=True)
class Production:
    """Everything that users run: MySQL, RabbitMQ, MongoDB or its stand-in, Redis, and the stub of OpenAI."""

    mysql: MysqlServer
    rabbitmq: RabbitmqServer
    mongodb: MongodbServer
    redis: RedisServer
    openai: OpenaiStub
    variables: Mapping[str, str] = field(repr=False)
    """The settings that name the space of this production on each server."""
    program: Program
    _numbers: Iterator[int] = field(factory=lambda: count(1), init=False, repr=False)
    _errors: list[str] = field(factory=list, init=False, repr=False)
    """What runs of the program have printed to standard error."""

    @property
    def broker_url(self) -> str:
        """The vhost."""
        return self.variables["RABBITMQ_DSN"]

    def run(self, *arguments: str, stdin: str = "", **variables: str) -> Outcome:
        """Run the program to its end, inside this process."""
        return self._kept(self.program.run(*arguments, stdin=stdin, **{**self.variables, **variables}))

    def ok(self, *arguments: str, stdin: str = "", **variables: str) -> Outcome:
        """Run it, and fail unless it exits with 0."""
        outcome = self.run(*arguments, stdin=stdin, **variables)
        assert outcome.code == 0, outcome.stderr + outcome.stdout
        return outcome

    def process(self, *arguments: str, **variables: str) -> Outcome:
        """Run it to its end as a process of its own."""
        return self._kept(self.program.process(*arguments, **{**self.variables, **variables}))

    def start(self, *arguments: str, **variables: str) -> PenchantProcess:
        """Start the program and let it run; whoever calls this ends it."""
        return PenchantProcess(
            command=self.program.command(*arguments),
            environment=self.program.environment(**{**self.variables, **variables}),
            output=self.program.folder / f"{arguments[0]}-{next(self._numbers)}.log",
        )

    @contextmanager
    def worker(self, *arguments: str, **variables: str) -> Iterator[PenchantProcess]:
        """A worker that works; it is ended with the block."""
        with self.start("worker", *arguments, **variables) as process:
            process.wait_for("worker_started")
            yield process

    @contextmanager
    def container(self, **variables: str) -> Iterator[Container]:
        """The parts of the program on the same servers, to use and to look behind the curtain."""
        container = Container(settings=Settings.model_validate({**self.variables, **variables}))
        try:
            yield container
        finally:
            container.shutdown_resources()

    def record(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[Receipt]:
        """Record these, all of which must be accepted."""
        with self.container() as container:
            receipts = container.record()([submission_of(message) for message in messages])
        refused = [str(receipt.error) for receipt in receipts if receipt.status is RecordStatus.REFUSED]
        assert not refused, refused[:3]
        return receipts

    def states(self, user_ids: Sequence[str]) -> Mapping[str, UserEmbedding]:
        """The stored states of these users."""
        with self.container() as container:
            return container.store().read(user_ids)

    def wait_until_counted(self, counts: Mapping[str, int]) -> None:
        """Wait until each of these users has so many live events in the stored state, and nothing missing."""
        with self.container() as container:
            wait_until_counted(container, counts, lambda: None)

    def finish(self, counts: Mapping[str, int]) -> None:
        """Do a worker's work inside this process, which takes less time to start, until these are counted."""

        def work() -> None:
            container.relay()(1_000)
            container.work().batch(500, wait_seconds=0.2)

        with self.container() as container:
            wait_until_counted(container, counts, work)
            container.message_source().close()

    def wait_until_drained(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until nothing is on its way: no rows in the outbox, nothing in any queue but that of the dead."""

        def depth() -> int:
            return container.outbox().depth() + self.on_the_broker()

        with self.container() as container:
            wait_until(lambda: depth() == 0, seconds, "outbox and queues to be empty")

    def on_the_broker(self) -> int:
        """Messages in all queues but that of the dead; those that a running worker holds are not counted."""
        queues = [name for name in self.rabbitmq.queues(self.broker_url) if name != FAILED]
        return sum(self.rabbitmq.ready(self.broker_url, queues).values())

    def dead(self) -> Sequence[DeadLetter]:
        """The dead letters in the table, where the collector puts them."""
        with self.container() as container:
            return container.dead_letters().list(1_000)

    def wait_until_dead(self, message_ids: Sequence[str]) -> Mapping[str, DeadLetter]:
        """Wait until all of these are dead letters; return them by message id."""
        with self.container() as container:
            letters, collect = container.dead_letters(), container.collect_dead_letters()

            def are_dead() -> bool:
                collect()
                return set(message_ids) <= set(letters.among(message_ids, WORK_QUEUES))

            wait_until(are_dead, DEADLINE_SECONDS, "the dead letters")
            found = {letter.message_id: letter for letter in letters.list(10_000)}
        return {message_id: found[message_id] for message_id in message_ids}

    def assert_verified(self, users: Sequence[str] = ()) -> None:
        """Fail unless the states of these users, or of all, equal the log, and nothing lags, at the latest soon."""
        which = [part for user in users for part in ("--user", user)] if users else ["--all"]

        def is_done() -> bool:
            report = self.run("verify", *which, "--json").json
            assert report["mismatches"] == 0, report
            return bool(report["lag"] == 0)

        wait_until(is_done, DEADLINE_SECONDS, "verify to find no lag")

    def assert_discreet(self, *secrets: str) -> None:
        """Fail if a process, or any run on standard error, has printed a phrase, a password, a key or a traceback."""
        urls = (self.mysql.url, self.rabbitmq.url)
        passwords = [unquote(password) for url in urls if (password := urlsplit(url).password) is not None]
        logs = [path.read_text(errors="replace") for path in self.program.folder.glob("*.log")]
        assert_not_in((*logs, *self._errors), (MARK, self.openai.api_key, *passwords, *secrets, "Traceback"))

    def recover(self) -> None:
        """Start whatever was stopped; what forgets when it stops gets its indexes and its products again."""
        start_together(self.mysql, self.rabbitmq, self.mongodb, self.redis, self.openai)
        self.openai.reset()
        self.ok("setup")

    def _kept(self, outcome: Outcome) -> Outcome:
        self._errors.append(outcome.stderr)
        return outcome


@contextmanager
def production_in(
    folder: Path,
    mysql: MysqlServer,
    rabbitmq: RabbitmqServer,
    mongodb: MongodbServer,
    redis: RedisServer,
    openai: OpenaiStub,
) -> Iterator[Production]:
    """A production on fresh spaces of these servers, set up; they are removed afterwards."""
    start_together(mysql, rabbitmq, mongodb, redis, openai)
    openai.reset()
    with ExitStack() as stack:
        database_url, broker_url, redis_url = (
            stack.enter_context(space) for space in (mysql.database(), rabbitmq.vhost(), redis.database())
        )
        space = stack.enter_context(mongodb.space())
        production = Production(
            mysql=mysql,
            rabbitmq=rabbitmq,
            mongodb=mongodb,
            redis=redis,
            openai=openai,
            program=Program(home=folder / "home", folder=folder),
            variables={
                "DATABASE_URL": database_url,
                "RABBITMQ_DSN": broker_url,
                "MONGODB_URL": _impatient(space.url),
                "MONGODB_DATABASE": space.database,
                "REDIS_URL": redis_url,
                "OPENAI_API_KEY": openai.api_key,
                "OPENAI_BASE_URL": openai.url,
                "PENCHANT_EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            },
        )
        production.ok("setup")
        yield production


@pytest.fixture(scope="module", name="production")
def production_fixture(
    tmp_path_factory: pytest.TempPathFactory,
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    openai_server: OpenaiStub,
) -> Iterator[Production]:
    """One production for all tests of a module; each has users of its own."""
    folder = tmp_path_factory.mktemp("production")
    with production_in(
        folder, mysql_server, rabbitmq_server, mongodb_server, redis_server, openai_server
    ) as production:
        yield production
        production.assert_discreet()


def _impatient(mongodb_url: str) -> str:
    """The URL with half a second until the driver says that nobody is there: tests of outages probe several times."""
    return mongodb_url + ("&" if "?" in mongodb_url else "?") + "serverSelectionTimeoutMS=500"


def search(message_id: str, user_id: str, phrase: str, **fields: Any) -> dict[str, Any]:
    """The message of a search, a moment ago. Its phrase gets the mark."""
    return {
        "message_id": message_id,
        "user_id": user_id,
        "event_type": "search",
        "search_phrase": f"{phrase} {MARK}",
        "occurred_at": datetime.now(UTC).isoformat(),
        **fields,
    }


def submission_of(message: Mapping[str, Any]) -> Submission:
    """The message, as the program takes it."""
    return parse_event(message)
