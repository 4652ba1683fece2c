"""Rate limits of the HTTP API, against real processes and a real Redis. Days, so that no test sees a window end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count

import httpx
import pytest

from application.api_keys import Scope
from tests.integration.http_api import Api, serving
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.program import Program
from tests.services.redis import RedisServer
from tests.services.waiting import wait_until

CLIENTS = 16
REQUESTS = 200
_numbers = count(1)


def view(user_id: object) -> dict[str, object]:
    return {"user_id": user_id, "event_type": "view", "product_id": "mug"}


@contextmanager
def limited(program: Program, **variables: str) -> Iterator[Api]:
    """An API of this home; there may be several."""

    def start(*arguments: str, **variables: str) -> PenchantProcess:
        output = program.folder / f"serve-{next(_numbers)}.log"
        environment = program.environment(**variables)
        return PenchantProcess(command=program.command(*arguments), environment=environment, output=output)

    with serving(start, **variables) as api:
        yield api


def standing(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]


def test_every_answer_says_where_the_caller_stands_and_too_many_are_refused(program: Program) -> None:
    with limited(program, PENCHANT_RATE_LIMIT_PER_KEY="2/day") as api:
        answers = [api.post("/events", view("ann")) for _ in range(3)]

        assert [standing(answer) for answer in answers] == [(202, "2", "1"), (202, "2", "0"), (429, "2", "0")]
        assert answers[2].json()["type"] == "urn:penchant:problem:rate-limit"
        assert 0 < int(answers[2].headers["retry-after"]) <= 86_400
        assert answers[2].headers["ratelimit-reset"] == answers[2].headers["retry-after"]
        assert answers[2].headers["x-content-type-options"] == "nosniff"
        assert len(api.process.journal("rate_limit_for_all")) == 1
        unlimited = [api.get(path) for path in ("/health", "/metrics", "/rabbitmq/health")]
        assert [answer.status_code for answer in unlimited] == [200] * 3
        assert not [answer for answer in unlimited if "ratelimit-limit" in answer.headers]


def test_a_user_is_the_same_in_a_body_as_text_or_number_and_in_a_path_however_it_is_escaped(program: Program) -> None:
    with limited(program, PENCHANT_RATE_LIMIT_PER_USER="6/day") as api:
        answers = [
            api.post("/events", view("17")),
            api.post("/events", view(17)),
            api.post("/events", view(17.0)),
            api.post("/api/user/17/product/mug/view"),
            api.post("/api/user/%31%37/product/mug/view"),
            api.get("/api/user/17/explain"),
            api.post("/events", view("17")),
        ]

        assert [int(answer.headers["ratelimit-remaining"]) for answer in answers] == [5, 4, 3, 2, 1, 0, 0]
        assert answers[-1].status_code == 429
        assert api.post("/events", view("18")).status_code == 202


def test_requests_that_name_no_user_or_none_that_can_be_are_not_counted_for_one(program: Program) -> None:
    with limited(program, PENCHANT_RATE_LIMIT_PER_USER="1/day") as api:
        answers = [
            api.post("/events/batch", [view("ann")]),
            api.post("/events", view("x" * 129)),
            api.post("/events", ["ann"]),
            api.client.post("/events", content=b"{", headers={"Content-Type": "application/json"}),
            api.post("/api/user/%FF/product/mug/view"),
            api.get("/rabbitmq/health"),
        ]

        assert [answer.status_code for answer in answers] == [202, 422, 422, 422, 422, 200]
        assert not [answer for answer in answers if "ratelimit-limit" in answer.headers]


def test_each_key_has_a_limit_of_its_own_and_none_is_spent_without_a_key(program: Program) -> None:
    made = [program.ok("keys", "new", name, "--scope", Scope.READ, "--json").json for name in ("shop", "app")]
    lines = ";".join(key["line"] for key in made)
    with limited(program, PENCHANT_API_KEYS=lines, PENCHANT_RATE_LIMIT_PER_KEY="1/day") as api:

        def ask(key: str) -> int:
            return api.client.get("/api/user/ann/explain", headers={"X-API-Key": key}).status_code

        assert [ask("pk_nobody") for _ in range(3)] == [401] * 3
        assert [ask(made[0]["key"]) for _ in range(2)] == [404, 429]
        assert ask(made[1]["key"]) == 404
        assert api.process.journal("rate_limit_for_all") == []


def test_what_a_key_sends_beyond_its_limit_uses_up_no_limit_of_a_user_in_redis(
    program: Program, redis_url: str
) -> None:
    made = [program.ok("keys", "new", name, "--scope", Scope.READ, "--json").json for name in ("loud", "shop", "app")]
    variables = {
        "REDIS_URL": redis_url,
        "PENCHANT_API_KEYS": ";".join(key["line"] for key in made),
        "PENCHANT_RATE_LIMIT_PER_KEY": "2/day",
        "PENCHANT_RATE_LIMIT_PER_USER": "4/day",
    }
    with limited(program, **variables) as api:

        def ask(number: int) -> int:
            return api.client.get("/api/user/ann/explain", headers={"X-API-Key": made[number]["key"]}).status_code

        with ThreadPoolExecutor(CLIENTS) as threads:
            loud = list(threads.map(ask, [0] * REQUESTS))

        assert (loud.count(404), loud.count(429)) == (2, REQUESTS - 2)
        assert [ask(1), ask(1), ask(2)] == [404, 404, 429]


def test_processes_count_together_and_ask_redis_once_a_request_at_the_most(
    program: Program, redis_server: RedisServer, redis_url: str
) -> None:
    variables = {
        "REDIS_URL": redis_url,
        "PENCHANT_RATE_LIMIT_PER_KEY": f"{REQUESTS // 2}/day",
        "PENCHANT_RATE_LIMIT_PER_USER": "1000/day",
    }
    with ExitStack() as stack:
        apis = [stack.enter_context(limited(program, **variables)) for _ in range(2)]
        threads = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        asked_before = _questions(redis_server)

        def send(number: int) -> int:
            return apis[number % 2].post("/events", view(f"user-{number}")).status_code

        statuses = list(threads.map(send, range(REQUESTS)))
        asked = _questions(redis_server) - asked_before

    assert (statuses.count(202), statuses.count(429)) == (REQUESTS // 2, REQUESTS // 2)
    assert 0 < asked <= REQUESTS


def test_without_redis_each_process_counts_alone_and_says_so_once(
    program: Program, redis_server: RedisServer, redis_url: str
) -> None:
    variables = {"REDIS_URL": redis_url, "PENCHANT_RATE_LIMIT_PER_KEY": "3/day"}
    with limited(program, **variables) as api:
        assert standing(api.post("/events", view("ann"))) == (202, "3", "2")
        redis_server.kill()

        alone = [api.post("/events", view("ann")) for _ in range(4)]

        assert [standing(answer)[0] for answer in alone] == [202, 202, 202, 429]
        assert len(api.process.journal("rate_limits_alone")) == 1
        redis_server.start()
        wait_until(lambda: _is_shared_again(api), DEADLINE_SECONDS, "the count to be in Redis again")


@pytest.mark.parametrize("limit", ["6000", "0/minute", "many/minute", "10/minutes", "-1/day"])
def test_a_limit_that_is_none_ends_the_start(program: Program, limit: str) -> None:
    outcome = program.run("serve", PENCHANT_RATE_LIMIT_PER_KEY=limit)

    assert outcome.code == 2
    assert f"PENCHANT_RATE_LIMIT_PER_KEY is '{limit}'" in outcome.stderr


def _questions(server: RedisServer) -> int:
    with server.connect() as connection:
        statistics = connection.info("commandstats")
    return int(statistics.get("cmdstat_eval", {"calls": 0})["calls"])


def _is_shared_again(api: Api) -> bool:
    api.post("/events", view("ann"))
    return bool(api.process.journal("rate_limits_shared"))
