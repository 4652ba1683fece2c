"""Nothing that the program prints holds a phrase, a key or a password, whatever goes wrong."""

import json

from tests.integration.production import MARK, WORK, Production, production_fixture, search  # noqa: F401
from tests.integration.test_poison import send

TELLTALE = "nightjar-7"


def with_user(url: str, user: str) -> str:
    """The URL with a user of that name and a password that nobody has."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{user}:{TELLTALE}@{rest.rpartition('@')[2]}"


def fail_at_the_start(production: Production) -> None:
    """Every setting with a wrong password, for commands that say so at once."""
    for setting, user in (("DATABASE_URL", "ann"), ("RABBITMQ_DSN", "ann"), ("MONGODB_URL", "ann"), ("REDIS_URL", "")):
        wrong = {setting: with_user(production.variables[setting], user)}
        production.run("doctor", **wrong)
        production.run("failed", "list", **wrong)
        production.run("stats", **wrong)
    production.run("stats", DATABASE_URL=f"mysql://ann:{TELLTALE}@:port/")
    production.run("stats", MONGODB_URL=f"mongodb://ann:{TELLTALE}/@host")
    production.run("failed", "list", RABBITMQ_DSN=f"amqp://ann:{TELLTALE}@[host/")
    production.run("doctor", REDIS_URL=f"redis://:{TELLTALE}@host:port")
    production.run("doctor", OPENAI_API_KEY=f"sk-{TELLTALE}")
    production.run("config", "show", OPENAI_API_KEY=f"sk-{TELLTALE}")


def send_what_no_worker_can_apply(production: Production) -> list[str]:
    """Messages that die, with phrases in all places; return their ids."""
    good = search("same", "discreet", "first")
    sends = {
        "no-json": json.dumps(search("no-json", "discreet", "x")).encode()[:-1],
        "phrase-for-user": {**search("phrase-for-user", "discreet", "x"), "user_id": [MARK]},
        "phrase-for-product": {**search("phrase-for-product", "discreet", "x"), "product_id": "mug"},
        "too-long": search("too-long", "discreet", "x" * 2_000),
        "conflict": search("same", "discreet", "another"),
        "unknown-field": search("unknown-field", "discreet", "x", note=f"about {MARK}"),
    }
    production.record([good])
    for name, body in sends.items():
        send(production, body, message_id=name)
    return [name if name != "conflict" else "same" for name in sends]


def test_nothing_secret_is_printed_through_failures_of_all_kinds(production: Production) -> None:
    fail_at_the_start(production)
    soon = {"WORKER_RETRY_DELAY": "100", "WORKER_MAX_RETRIES": "1", "PENCHANT_ON_OUTAGE": "retry"}
    production.ok("setup", **soon)
    with production.worker(**soon) as worker:
        production.openai.fail(400)
        production.record([search("refused", "discreet-refused", "refused")])
        dead = [*send_what_no_worker_can_apply(production), "refused"]
        production.wait_until_dead(dead)
        production.openai.fail(500)
        production.record([search("exhausted", "discreet-exhausted", "exhausted")])
        production.wait_until_dead(["exhausted"])
        production.openai.fail(429, retry_after=0)
        production.record([search("too-many", "discreet-exhausted", "too many")])
        production.wait_until_dead(["too-many"])
        production.openai.recover()
        production.redis.stop()
        production.mongodb.kill()
        production.record([search("storeless", "discreet-storeless", "storeless")])
        production.wait_until_dead(["storeless"])
        production.mongodb.start()
        paused = len(worker.journal("worker_paused"))
        production.mysql.kill()
        production.run("record", "--user", "x", "--event", "search", "--phrase", MARK)
        worker.wait_for("worker_paused", paused + 1)
        production.mysql.start()
        production.recover()
        listed = production.ok("failed", "list")
        production.run("failed", "retry", "--all")
        production.run("record", "--user", "x", "--event", "search", "--phrase", MARK, "--message-id", "refused")
        production.openai.fail(401)
        production.record([search("unpaid", "discreet-unpaid", "unpaid")])
        assert worker.wait() == 2
    assert listed.stdout.count("discreet") >= len(dead)
    assert MARK not in listed.stdout
    assert len(worker.journal("delivery_failed")) >= 4
    production.assert_discreet(TELLTALE)
