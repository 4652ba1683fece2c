"""The other policy for outages: events die after their tries, with the reason, and operators bring them all back."""

from tests.integration.production import Production, production_fixture, search  # noqa: F401

TRIES = 5
POLICY = {"PENCHANT_ON_OUTAGE": "retry", "WORKER_MAX_RETRIES": str(TRIES), "WORKER_RETRY_DELAY": "20"}
EVENTS, USERS = 60, 6


def test_without_mongodb_events_die_after_their_tries_and_retrying_brings_all_back(production: Production) -> None:
    counts = {f"user-{number}": EVENTS // USERS for number in range(USERS)}
    messages = [search(f"{user}-{n}", user, f"search {n}") for n in range(EVENTS // USERS) for user in counts]
    ids = [str(message["message_id"]) for message in messages]
    production.ok("setup", **POLICY)
    with production.worker(**POLICY) as worker:
        production.mongodb.stop()
        production.record(messages)
        letters = production.wait_until_dead(ids)
        assert {letter.attempts for letter in letters.values()} == {1 + TRIES}
        assert {letter.error_type for letter in letters.values()} == {"UnavailableError"}
        assert all("MONGODB_URL" in letter.error_text for letter in letters.values())
        # What stands in for MongoDB forgets everything when it ends: the states are rebuilt from the log.
        production.recover()
        retried = production.ok("failed", "retry", "--all", "--json").json
        assert retried == {"retried": len(ids), "refused": 0}
        production.wait_until_counted(counts)
        assert worker.running
    assert production.dead() == []
    production.assert_verified(list(counts))
