"""Workers that are killed, stopped or come to a limit: what they held goes to others, and everything counts once."""

from collections.abc import Iterable

import psutil

from application.worker import StopReason
from tests.integration.penchant_process import DEADLINE_SECONDS, PenchantProcess
from tests.integration.production import WORK, Production, production_fixture, search  # noqa: F401
from tests.services.waiting import wait_until

EVENTS = 1_000
USERS = 10
BATCH = 10


def searches_of_known_users(production: Production, name: str, events: int = EVENTS) -> dict[str, int]:
    """Record searches of users who have a state, so that none is rebuilt from all of them; return how many each has."""
    users = [f"{name}-user-{number}" for number in range(USERS)]
    production.record([search(f"{name}-first-{user}", user, "tea") for user in users])
    production.finish(dict.fromkeys(users, 1))
    production.record([search(f"{name}-{n}", users[n % USERS], f"{name} {n % 30}") for n in range(events)])
    return dict.fromkeys(users, 1 + events // USERS)


def applied(production: Production, users: Iterable[str]) -> int:
    """How many events of these users are in the stored states, besides the first of each."""
    return sum(state.event_count - 1 for state in production.states(list(users)).values())


def wait_until_in_the_middle(production: Production, users: Iterable[str]) -> None:
    """Wait until some events of these users are applied."""
    wait_until(lambda: applied(production, users), DEADLINE_SECONDS, "the first events to be applied")


def children_of(worker: PenchantProcess) -> list[psutil.Process]:
    return psutil.Process(worker.pid).children()


def has_ended(process: psutil.Process) -> bool:
    """Whether it has, even if nobody has taken note of it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_a_killed_worker_held_is_redelivered_and_counted_once(production: Production) -> None:
    with production.worker("--batch-size", str(BATCH)) as worker:
        counts = searches_of_known_users(production, "killed")
        wait_until_in_the_middle(production, counts)
        worker.kill()
        worker.wait()
    assert applied(production, counts) < EVENTS
    production.finish(counts)
    assert production.dead() == []
    production.assert_verified()


def test_a_worker_that_is_told_to_stop_finishes_its_batch_and_gives_the_rest_back(production: Production) -> None:
    with production.worker("--batch-size", str(BATCH)) as worker:
        counts = searches_of_known_users(production, "stopped")
        wait_until_in_the_middle(production, counts)
        worker.terminate()
        code = worker.wait()
    done = applied(production, counts)
    with production.container() as container:
        in_outbox = container.outbox().depth()
    assert code == 0, worker.last_words()
    assert StopReason.ASKED in worker.journal("worker_stopped")[0]["sentence"]
    assert done < EVENTS
    # Exactly the rest: all that is applied has been acknowledged.
    assert production.rabbitmq.queue(production.broker_url, WORK).ready + in_outbox == EVENTS - done
    production.finish(counts)
    production.assert_verified()


def test_a_worker_at_its_time_limit_ends_as_if_all_were_well(production: Production) -> None:
    with production.worker("--time-limit", "1") as worker:
        code = worker.wait()
    assert code == 0, worker.last_words()
    assert StopReason.TIME in worker.journal("worker_stopped")[0]["sentence"]


def test_a_worker_ends_as_if_all_were_well_once_it_takes_more_memory_than_it_may(production: Production) -> None:
    needed = production.process("worker", "--memory-limit", "1M")
    assert needed.code == 2
    megabytes = int(needed.stderr.partition(" MiB before")[0].rpartition(" ")[2])
    production.record([search(f"memory-{n}", f"memory-{n}", "tea") for n in range(500)])
    with production.worker("--memory-limit", f"{megabytes + 2}M") as worker:
        code = worker.wait()
    assert code == 0, worker.last_words()
    assert StopReason.MEMORY in worker.journal("worker_stopped")[0]["sentence"]


def test_when_one_of_several_workers_is_killed_the_others_give_back_and_the_supervisor_fails(
    production: Production,
) -> None:
    with production.worker("--concurrency", "3", "--batch-size", str(BATCH)) as supervisor:
        supervisor.wait_for("worker_started", 3)
        counts = searches_of_known_users(production, "one-of-three")
        wait_until_in_the_middle(production, counts)
        children = children_of(supervisor)
        children[0].kill()
        code = supervisor.wait()
        left = [child for child in children if child.is_running()]
    assert len(children) == 3
    assert code == 1
    assert len(supervisor.journal("worker_stopped")) == 2
    assert left == []
    production.finish(counts)
    production.assert_verified()


def test_no_worker_outlives_its_killed_supervisor(production: Production) -> None:
    with production.worker("--concurrency", "2", "--batch-size", str(BATCH)) as supervisor:
        supervisor.wait_for("worker_started", 2)
        counts = searches_of_known_users(production, "supervised")
        wait_until_in_the_middle(production, counts)
        children = children_of(supervisor)
        supervisor.kill()
        wait_until(lambda: all(map(has_ended, children)), DEADLINE_SECONDS, "the workers to end")
    assert len(children) == 2
    assert len(supervisor.journal("worker_stopped")) == 2
    production.finish(counts)
    production.assert_verified()


def test_a_supervised_worker_at_its_limit_is_followed_by_another_and_all_end_together(production: Production) -> None:
    with production.worker("--concurrency", "2", "--time-limit", "1") as supervisor:
        supervisor.wait_for("worker_started", 4)
        children = children_of(supervisor)
        supervisor.terminate()
        code = supervisor.wait()
    assert code == 0, supervisor.last_words()
    assert [child for child in children if child.is_running()] == []


def test_stop_workers_ends_the_supervisor_with_all_its_workers_as_if_all_were_well(production: Production) -> None:
    with production.worker("--concurrency", "2") as supervisor:
        supervisor.wait_for("worker_started", 2)
        production.ok("stop-workers")
        code = supervisor.wait()
    assert code == 0, supervisor.last_words()
    assert len(supervisor.journal("worker_started")) == len(supervisor.journal("worker_stopped")) == 2
    assert any(StopReason.MARKED in line["sentence"] for line in supervisor.journal("worker_stopped"))


def test_workers_that_follow_others_while_mysql_is_away_wait_for_it(production: Production) -> None:
    with production.worker("--concurrency", "2", "--time-limit", "1") as supervisor:
        supervisor.wait_for("worker_started", 2)
        stopped = len(supervisor.journal("worker_stopped"))  # no more start while MySQL is away
        production.mysql.stop()
        try:
            supervisor.wait_for("worker_stopped", stopped + 2)
            begun = len(supervisor.journal("worker_started"))
            supervisor.wait_for("worker_paused", len(supervisor.journal("worker_paused")) + 4)
        finally:
            production.recover()
        supervisor.wait_for("worker_started", begun + 1)
        production.record([search("followers-1", "followers", "tea")])
        production.wait_until_counted({"followers": 1})
        assert supervisor.running, supervisor.last_words()
