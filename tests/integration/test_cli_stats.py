"""`penchant stats`, once and live."""

import json

from tests.integration.http_api import starting
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import WORK, Production, production_fixture, search  # noqa: F401
from tests.integration.program import Program
from tests.services.waiting import wait_until


def test_stats_shows_queues_and_who_works_on_them(production: Production) -> None:
    production.record([search("stats-1", "stats", "tea")])
    with production.worker():
        production.wait_until_counted({"stats": 1})

        shown = production.ok("stats", "--json").json
        table = production.ok("stats").stdout
        one = production.ok("stats", WORK, "--json").json

    assert (shown["events"], shown["lag"], shown["workers"], shown["dead_letters"]) == (1, 0, 1, 0)
    assert shown["up"] == {"log": True, "broker": True, "store": True}
    assert shown["queues"][WORK] == {"messages": 0, "consumers": 1}
    assert WORK in table
    assert list(one["queues"]) == [WORK]


def test_a_queue_that_is_none_is_named_with_those_that_there_are(production: Production) -> None:
    outcome = production.run("stats", "nothing")

    assert outcome.code == 2
    assert "'nothing' is none of them" in outcome.stderr
    assert WORK in outcome.stderr


def test_a_broker_out_of_reach_does_not_keep_the_rest_from_being_shown(production: Production) -> None:
    shown = production.ok("stats", "--json", RABBITMQ_DSN="amqp://127.0.0.1:9/nowhere").json

    assert shown["up"] == {"log": True, "broker": False, "store": True}
    assert (shown["lag"], shown["workers"], shown["queues"]) == (None, None, {})
    assert shown["outbox"] is not None


def test_watching_shows_a_pace_and_ends_quietly_by_ctrl_c(program: Program) -> None:
    program.ok("record", "--user", "ann", "--event", "search", "--phrase", "tea")
    with starting(program)("stats", "--watch", "--json") as watching:
        wait_until(lambda: "applied_per_second" in watching.text, DEADLINE_SECONDS, "a pace to be shown")
        watching.interrupt()
        code = watching.wait()

    lines = [json.loads(line) for line in watching.text.splitlines()]
    assert code == 0
    assert lines[-1]["lag"] == 0
    assert lines[-1]["recorded_per_second"] == 0


def test_watching_in_a_terminal_draws_bars(program: Program) -> None:
    program.ok("record", "--user", "ann", "--event", "search", "--phrase", "tea")
    with starting(program)("stats", "--watch", FORCE_COLOR="1") as watching:
        wait_until(lambda: "▁▁" in watching.text, DEADLINE_SECONDS, "a line of bars")
        watching.interrupt()
        code = watching.wait()

    assert code == 0
    assert "lag 0" in watching.text
    assert "Traceback" not in watching.text
