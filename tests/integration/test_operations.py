"""What operators do with a running system, on real servers: examine, replay, change, stop, repair."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from tests.integration.load import load_on
from tests.integration.penchant_process import DEADLINE_SECONDS
from tests.integration.production import (
    FAILED,
    WORK,
    Production,
    production_fixture,  # noqa: F401
    search,
    submission_of,
)
from tests.services.waiting import wait_until

USERS = ("ann", "bob", "cem")


@pytest.fixture(autouse=True)
def _clean(production: Production) -> Iterator[None]:
    yield
    production.openai.reset()


def _searches(prefix: str, users: Sequence[str], each: int) -> list[dict[str, object]]:
    return [
        search(f"{prefix}-{user}-{n}", f"{prefix}-{user}", f"{prefix} phrase {n % 7}")
        for user in users
        for n in range(each)
    ]


def test_doctor_finds_nothing_wrong_with_what_setup_has_made(production: Production) -> None:
    report = production.ok("doctor", "--json").json

    assert report["failed"] == 0
    first = report["findings"][0]["text"]
    assert first == "servers by DATABASE_URL, RABBITMQ_DSN, MONGODB_URL, REDIS_URL, OPENAI_API_KEY."
    parts = {finding["part"] for finding in report["findings"]}
    assert {"RabbitMQ", "MongoDB", "Redis", "OpenAI", "Recipe"} <= parts
    assert parts & {"MySQL", "MariaDB"}
    assert all(finding["remedy"] for finding in report["findings"] if finding["health"] != "ok")


def test_doctor_says_what_is_out_of_reach_and_looks_at_everything_else(production: Production) -> None:
    outcome = production.run(
        "doctor", "--json", REDIS_URL="redis://:hush@127.0.0.1:9", MONGODB_URL="mongodb://127.0.0.1:9"
    )

    failed = {finding["part"] for finding in outcome.json["findings"] if finding["health"] == "failed"}
    assert (outcome.code, "MongoDB" in failed, "RabbitMQ" in failed) == (1, True, False)
    assert {"Redis", "OpenAI", "Recipe"} <= {finding["part"] for finding in outcome.json["findings"]}
    assert "hush" not in outcome.stdout + outcome.stderr


def test_doctor_says_once_that_tables_are_missing(production: Production) -> None:
    with production.mysql.database() as database_url:
        outcome = production.run("doctor", "--json", DATABASE_URL=database_url)

    failed = [finding for finding in outcome.json["findings"] if finding["health"] == "failed"]
    assert (outcome.code, [finding["subject"] for finding in failed]) == (1, ["tables"])


def test_doctor_names_a_recipe_that_is_not_the_active_one(production: Production) -> None:
    production.ok("stats")

    outcome = production.run("doctor", "--json", EMBEDDING_DECAY_LAMBDA="0.5")

    [finding] = [finding for finding in outcome.json["findings"] if finding["part"] == "Recipe"]
    assert (outcome.code, finding["health"]) == (1, "failed")
    assert "penchant recipe set" in finding["remedy"]


def test_replaying_everything_on_top_of_live_traffic_changes_nothing(production: Production) -> None:
    production.record(_searches("replay", USERS, 20))
    with production.worker(), load_on(production, "replay-live") as load:
        load.wait_for_more(100)
        dry = production.ok("replay", "--all", "--dry-run", "--json").json
        replayed = production.ok("replay", "--all", "--json").json
        load.wait_for_more(100)
        assert dry["events"] <= replayed["events"]
    with production.worker():
        production.wait_until_counted({**load.counts, **{f"replay-{user}": 20 for user in USERS}})
        production.wait_until_drained()
    production.assert_verified()
    assert production.dead() == []


def test_a_new_recipe_ends_the_workers_and_rebuilds_everybody(production: Production) -> None:
    production.record(_searches("recipe", USERS, 5))
    with production.worker() as worker:
        production.wait_until_counted({f"recipe-{user}": 5 for user in USERS})
        before = production.states(["recipe-ann"])["recipe-ann"]
        change = production.ok("recipe", "set", "--half-life-days", "5", "--weight-search", "0.2", "--json").json
        production.record([search("recipe-after", "recipe-ann", "after the change")])
        assert worker.wait() == 0
        assert "has been made active" in worker.journal("worker_stopped")[-1]["sentence"]
    after = production.states(["recipe-ann"])["recipe-ann"]
    assert (after.recipe, before.recipe) == (change["id"], change["before"])
    assert after.weight < before.weight
    with production.worker():
        production.wait_until_counted({"recipe-ann": 6})
    production.assert_verified()
    refused = production.run("stats", EMBEDDING_DECAY_LAMBDA="0.023")
    assert (refused.code, "penchant recipe set" in refused.stderr) == (2, True)


def test_stop_workers_stops_those_that_run_and_none_that_start_later(production: Production) -> None:
    with production.worker() as one, production.worker() as two:
        work = partial(production.rabbitmq.queue, production.broker_url, WORK)
        wait_until(lambda: work().consumers == 2, DEADLINE_SECONDS, "both to take from the queue")
        told = production.ok("stop-workers", "--json").json
        assert (one.wait(), two.wait()) == (0, 0)
        assert one.journal("worker_stopped")[0]["sentence"].startswith("The worker has stopped: all workers")
    assert (told["workers"], urlsplit(told["log"]).path) == (2, urlsplit(production.variables["DATABASE_URL"]).path)
    with production.worker() as later:
        production.record([search("later-1", "later", "tea")])
        production.wait_until_counted({"later": 1})
        assert later.running


def test_three_events_of_a_user_within_the_window_are_one_write(production: Production) -> None:
    window = {"EMBEDDING_BATCH_ENABLED": "true", "EMBEDDING_BATCH_WINDOW": "2"}
    with production.container() as container, production.worker(**window):
        record, outbox = container.record(), container.outbox()
        record([submission_of(search("window-first", "window", "a worker that has begun"))])
        production.wait_until_counted({"window": 1})
        for n in range(3):
            record([submission_of(search(f"window-{n}", "window", f"tea {n}"))])
            wait_until(lambda: outbox.depth() == 0, DEADLINE_SECONDS, "the event to go on its own way")
        production.wait_until_counted({"window": 4})
    assert production.states(["window"])["window"].version == 2


def test_a_service_that_answers_differently_each_day_changes_no_vector(production: Production) -> None:
    """The stub answers a little differently at each call, as the real one does."""
    production.record(_searches("jitter", USERS, 10))
    with production.worker():
        production.wait_until_counted({f"jitter-{user}": 10 for user in USERS})
    production.redis.connect().flushall()
    calls = production.openai.call_count

    production.ok("rebuild", "--all")
    report = production.ok("verify", "--all", "--json").json

    assert report["mismatches"] == 0
    assert production.openai.call_count == calls


def test_a_storm_of_429_kills_no_event_and_products_go_on(production: Production) -> None:
    production.ok("products", "import", "-", stdin='{"product_id": "storm-tea", "text": "green tea"}\n')
    production.openai.fail(429, retry_after=1)
    view = {
        "message_id": "storm-view",
        "user_id": "storm-viewer",
        "event_type": "view",
        "product_id": "storm-tea",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    quick = {"WORKER_RETRY_DELAY": "100", "WORKER_MAX_RETRIES": "2"}
    production.ok("setup", **quick)
    with production.worker(**quick):
        production.record([*_searches("storm", USERS, 10), view])
        production.wait_until_counted({"storm-viewer": 1})
        stormy = production.openai.call_count
        production.openai.recover()
        production.wait_until_counted({f"storm-{user}": 10 for user in USERS})
    assert production.dead() == []
    times = [call.at for call in production.openai.calls if call.status == 429]
    assert stormy >= 1
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))


def test_a_load_is_generated_and_its_rate_told(production: Production) -> None:
    production.ok("products", "import", "-", stdin='{"product_id": "load-tea", "text": "green tea"}\n')

    told = production.ok(
        "events", "generate", "--users", "5", "--events-per-user", "20", "--rate", "2000", "--json"
    ).json

    assert (told["recorded"], told["failed"]) == (100, 0)
    assert told["events_per_second"] <= 2_100


@pytest.mark.slow
def test_eight_workers_on_ten_users_are_right_to_the_last_event(production: Production) -> None:
    users = [f"hot-{n}" for n in range(10)]
    now = datetime.now(UTC)
    with production.container() as container:
        container.record()  # the connection is opened before the load
    for start in range(0, 10_000, 1_000):
        production.record(
            [
                search(
                    f"hot-{n}", users[n % 10], f"phrase {n % 20}", occurred_at=(now - timedelta(seconds=n)).isoformat()
                )
                for n in range(start, start + 1_000)
            ]
        )
    with production.worker("--concurrency", "8", "--batch-size", "50") as workers:
        production.wait_until_counted(dict.fromkeys(users, 1_000))
        assert workers.running
    settled = workers.journal("deliveries_settled")
    lost, rebuilt = (sum(line[count] for line in settled) for count in ("write_races_lost", "users_rebuilt"))
    print(f"8 workers, 10,000 events of 10 users: {lost:,} write races lost, {rebuilt:,} rebuilds")  # noqa: T201  # -s shows
    assert lost > 0
    assert production.dead() == []
    production.assert_verified(users)


def test_the_same_way_on_another_transport(production: Production) -> None:
    """Redis in the place of RabbitMQ, by one setting; the rest of the stack as it is."""
    broker = production.variables["REDIS_URL"]
    with production.worker(RABBITMQ_DSN=broker) as worker:
        production.record([search("redis-1", "redis-broker", "tea"), search("redis-2", "redis-broker", "mugs")])
        production.wait_until_counted({"redis-broker": 2})
        assert worker.journal("capability_missing")
        seen = production.ok("stats", "--json", RABBITMQ_DSN=broker).json
        assert (seen["up"]["broker"], seen["queues"][WORK]) == (True, {"messages": 0, "consumers": None})


def test_a_worker_needs_no_broker(production: Production) -> None:
    with production.worker(RABBITMQ_DSN="") as worker:
        production.record([search("no-broker-1", "no-broker", "tea")])
        production.wait_until_counted({"no-broker": 1})
        assert worker.journal("capability_missing") == []


def test_setup_may_be_repeated_and_names_a_queue_that_differs(production: Production) -> None:
    assert production.ok("setup", "--json").json["changed"] is False
    with production.rabbitmq.vhost() as vhost, production.rabbitmq.connection(vhost) as connection:
        connection.channel().queue_declare(WORK, durable=True, auto_delete=False)

        outcome = production.run("setup", RABBITMQ_DSN=vhost)

    assert outcome.code == 2
    assert WORK in outcome.stderr
    assert "PENCHANT_QUEUE_TYPE=classic" in outcome.stderr


def test_a_broker_without_its_queues_ends_workers_so_that_a_supervisor_tries_again(production: Production) -> None:
    with production.rabbitmq.vhost() as vhost:
        production.ok("setup", RABBITMQ_DSN=vhost)
        with production.worker(RABBITMQ_DSN=vhost) as worker, production.rabbitmq.connection(vhost) as connection:
            connection.channel().queue_delete(WORK)
            code = worker.wait()
        started = production.run("worker", RABBITMQ_DSN=vhost)
        seen = production.ok("stats", "--json", RABBITMQ_DSN=vhost).json

    assert (code, started.code) == (1, 1)
    assert "Run `penchant setup`" in worker.last_words()
    assert "Run `penchant setup`" in started.stderr
    assert seen["up"] == {"log": True, "broker": False, "store": True}


def test_failed_letters_are_listed_shown_retried_and_purged(production: Production) -> None:
    production.openai.fail(400)
    with production.worker():
        production.record(
            [search("failed-1", "failed-ann", "refused once"), search("failed-2", "failed-bob", "refused too")]
        )
        production.wait_until_dead(["failed-1", "failed-2"])
        listed = production.ok("failed", "list", "--user", "failed-ann", "--json").json
        assert [letter["message_id"] for letter in listed["dead_letters"]] == ["failed-1"]
        assert production.ok("failed", "show", "failed-1", "--json").json[0]["queue"] == WORK
        production.openai.recover()
        assert production.ok("failed", "retry", "failed-1", "--json").json == {"retried": 1, "refused": 0}
        production.wait_until_counted({"failed-ann": 1})
    assert production.run("failed", "retry").code == 2
    assert production.run("failed", "purge", "--user", "failed-bob", stdin="n\n").code == 1
    assert production.ok("failed", "purge", "--user", "failed-bob", "--yes", "--json").json == {"purged": 1}
    assert production.ok("failed", "list", "--queue", FAILED, "--json").json["count"] == 0
