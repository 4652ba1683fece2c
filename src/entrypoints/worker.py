"""A worker process: the loop of one consumer, and beside it the relay and the other consumers, each in a thread."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from application.outage import Outage
from application.worker import StopReason, WorkerOptions
from domain.errors import ConfigurationError, RecipeChangedError, TransientError
from entrypoints.beside import running_beside
from entrypoints.consumers import ALL, EMBEDDINGS, Consumer, consumers, other_consumers
from entrypoints.container import Container

RELAY_AT_ONCE = 1_000
AGAIN_SECONDS = 5.0
"""How long a consumer waits that could not begin beside others."""


def run_worker(container: Container, options: WorkerOptions, with_relay: bool, queue: str = EMBEDDINGS) -> StopReason:
    """Work until the end. The container's stop must be listening if signals are to end it."""
    first, *others = consumers(container, queue)
    with ExitStack() as beside:
        if with_relay and not container.applies_itself():
            run = container.run_relay()
            beside.enter_context(running_beside("relay", lambda: run(RELAY_AT_ONCE), container.stop()))
        for other in others:
            work = partial(_work_patiently, container, other, options)
            beside.enter_context(running_beside(other.queue, work, container.stop()))
        return first.worker()(options)


def whereabouts(container: Container, queue: str = EMBEDDINGS) -> dict[str, str]:
    """What a worker works on: the address of each server, without its password, and the recipe."""
    settings = container.settings()
    openai = settings.shown("openai_base_url") or "OpenAI" if settings.openai_api_key is not None else ""
    needs_recipe = queue in (EMBEDDINGS, ALL) or any(one.needs_recipe for one in other_consumers(container, queue))
    servers = {
        "queue": queue,
        "database": container.schema().where,
        "broker": settings.shown("broker_url"),
        "mongodb": settings.shown("mongodb_url"),
        "redis": settings.shown("redis_url"),
        "neo4j": settings.shown("neo4j_url"),
        "qdrant": settings.shown("qdrant_url"),
        "embedder": openai,
        "recipe": container.recipe().id if needs_recipe else "",
    }
    return {name: where for name, where in servers.items() if where}


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


def reach(container: Container, queue: str) -> None:
    """Raise the error of a server that cannot be reached, or does not let us in, and that the first consumer needs.

    What the others need keeps nobody from work: they wait for it, and say so.
    """
    consumers(container, queue)[0].reach()


def _work_patiently(container: Container, consumer: Consumer, options: WorkerOptions) -> None:
    """Work to the end. Whatever keeps this consumer from beginning keeps no other one from work."""
    stop = container.stop()
    while not stop.asked:
        try:
            consumer.reach()
            consumer.worker()(options)
        except RecipeChangedError:  # it keeps all of this process from work
            raise
        except (ConfigurationError, TransientError) as error:
            text = f"{error} Its queue keeps what comes meanwhile, and the other consumers go on."
            container.journal().warning("consumer_waits", text, queue=consumer.queue)
            stop.wait(AGAIN_SECONDS)
        else:
            return
