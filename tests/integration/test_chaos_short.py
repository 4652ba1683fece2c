"""A short run of `make chaos`: everything is killed while a client records, and nothing is lost or counted twice."""

from pathlib import Path

import pytest
from attrs import define, field

from tests.chaos.house import moved_into
from tests.chaos.plan import Plan
from tests.chaos.run import Progress, run
from tests.services import MongodbServer, MysqlServer, RabbitmqServer, RedisServer

PLAN = Plan(events=2_000, kills=6, server_kills=1, seconds=8.0, seed=20)


@define
class Shown:
    """What a run has told."""

    progress: list[Progress] = field(factory=list)


@pytest.mark.slow
def test_kills_at_any_moment_lose_nothing_and_count_nothing_twice(
    mysql_server: MysqlServer,
    rabbitmq_server: RabbitmqServer,
    mongodb_server: MongodbServer,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    shown = Shown()

    with moved_into(mysql_server, rabbitmq_server, mongodb_server, redis_server) as house:
        outcome = run(PLAN, house, tmp_path, shown.progress.append)

    report = "\n".join(outcome.lines())
    assert outcome.is_right, report
    assert outcome.killed == PLAN.kills + 4, report
    assert outcome.at_work > PLAN.kills / 2, report
    assert shown.progress[-1].answered == outcome.messages
