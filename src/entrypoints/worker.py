"""A worker process: the loop with its chores, and a relay beside it in a thread of its own."""

from collections.abc import Callable
from functools import partial

from application.chores import Chore
from application.collect_dead_letters import told_in
from application.outage import Outage
from application.ports.examinable import Health
from application.worker import StopReason, Worker, WorkerOptions
from domain.errors import TransientError
from entrypoints.beside import running_beside
from entrypoints.container import Container

RELAY_AT_ONCE = 1_000
COLLECT_SECONDS = 1.0
RESUME_SECONDS = 60.0
LOOK_SECONDS = 15.0
"""How often a worker asks whether it is its turn to catch up."""


def run_worker(container: Container, options: WorkerOptions, with_relay: bool) -> StopReason:
    """Work until the end. The container's stop must be listening if signals are to end it."""
    if not with_relay or container.applies_itself():
        return _worker(container)(options)
    run = container.run_relay()
    with running_beside("relay", lambda: run(RELAY_AT_ONCE), container.stop()):
        return _worker(container)(options)


def reach_servers(container: Container) -> None:
    """Raise the error of a server that work needs and that cannot be reached or does not let us in.

    Once work has begun, an outage is waited for; before, it is more likely a setting that is wrong. Without the cache
    work is slower and nothing else, so that is only told.
    """
    container.store().user_ids(None, 1)
    container.collect_dead_letters()()
    container.dead_letter_queue().close()  # or dead letters would be handed to a process that does not collect them
    for finding in container.phrase_vectors().examine() if container.settings().redis_url is not None else ():
        if finding.health is Health.FAILED:
            container.journal().warning("cache_out_of_reach", f"{finding.text} {finding.remedy}")


def whereabouts(container: Container) -> dict[str, str]:
    """What a worker works on: the address of each server, without its password, and the recipe."""
    settings = container.settings()
    openai = settings.shown("openai_base_url") or "OpenAI" if settings.openai_api_key is not None else ""
    servers = {
        "database": container.schema().where,
        "broker": settings.shown("broker_url"),
        "mongodb": settings.shown("mongodb_url"),
        "redis": settings.shown("redis_url"),
        "embedder": openai,
    }
    return {"recipe": container.recipe().id, **{name: where for name, where in servers.items() if where}}


def wait_for_servers(container: Container, reach: Callable[[Container], object]) -> bool:
    """Repeat `reach` until no server is out of its reach, with the pauses of an outage; False if asked to end before.

    For a worker that follows another one: what it needs has worked, so it is away and not set wrongly.
    """
    stop = container.stop()
    clock, metrics, journal = container.clock(), container.metrics(), container.journal()
    outage = Outage("worker", "Work", "nothing is lost", stop, clock, metrics, journal)
    while not stop.asked:
        try:
            reach(container)
        except TransientError as error:
            outage.wait_out(error)
            continue
        outage.is_over()
        return True
    return False


def _worker(container: Container) -> Worker:
    chores = [
        Chore(
            name="collecting dead letters",
            every_seconds=COLLECT_SECONDS,
            begin=partial(container.collect_dead_letters().pieces, on_kept=told_in(container.journal())),
        ),
        Chore(
            name="finishing product imports",
            every_seconds=RESUME_SECONDS,
            begin=container.import_products().resume_abandoned,
        ),
        Chore(name="catching up", every_seconds=LOOK_SECONDS, begin=container.catch_up_in_turn()),
    ]
    return Worker(
        work=container.work(),
        source=container.message_source(),
        registry=container.registry(),
        chores=chores,
        stop=container.stop(),
        process=container.process(),
        clock=container.clock(),
        metrics=container.metrics(),
        journal=container.journal(),
    )
