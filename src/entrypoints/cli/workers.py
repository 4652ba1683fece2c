"""`penchant worker`, `relay` and `stop-workers`."""

import re
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Annotated

import typer

from application.ports.queues import WORK_QUEUE
from application.stop_workers import stop_mark
from application.worker import StopReason, WorkerOptions
from domain.errors import ConfigurationError, InvalidValueError, PenchantError, RecipeChangedError
from entrypoints.cli.output import Json, print_json, print_paragraph
from entrypoints.cli.wiring import make_ready, penchant, prepare, unchecked
from entrypoints.consumers import ALL, EMBEDDINGS, consumers, other_consumers
from entrypoints.container import Container
from entrypoints.metrics import MetricsAddress, showing_children, showing_metrics, write_for_supervisor
from entrypoints.supervise import EXIT_MARKED, end_with_supervisor, is_supervised, mark_of_supervisor, supervise
from entrypoints.worker import RELAY_AT_ONCE, reach, run_worker, wait_for_servers, whereabouts

DEFAULT_BATCH = 1_000

MetricsPort = Annotated[
    int | None, typer.Option(min=1, max=65_535, help="Port on which Prometheus reads metrics; none, if left out.")
]
MetricsHost = Annotated[str, typer.Option(help="Where to listen for that. Other machines reach it on 0.0.0.0.")]
LOOPBACK = "127.0.0.1"

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def worker(
    queue: Annotated[
        str,
        typer.Option(help="Whose events it takes: user_embedding_updates, neo4j, qdrant, or all that are switched on."),
    ] = ALL,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Worker processes under this one.")] = 1,
    prefetch: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Messages at hand; twice the batch, if left out.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=10_000, help="Deliveries applied at once.")] = DEFAULT_BATCH,
    time_limit: Annotated[float | None, typer.Option(min=1, help="Seconds after which it ends.")] = None,
    memory_limit: Annotated[str | None, typer.Option(help="Memory at which it ends, such as 512M.")] = None,
    relay: Annotated[bool, typer.Option(help="Whether it also moves events from the outbox to the broker.")] = True,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Apply events as they come, until it is stopped.

    The consumer of the embeddings takes from user_embedding_updates, that of the graph in Neo4j from events.neo4j, that
    of the index in Qdrant from events.qdrant. By itself a worker is all that are configured, each in a thread; with
    --queue, one of them, so that each has as many processes as it needs.

    It ends on SIGTERM or Ctrl-C when its batch is written, and with exit code 0 at a limit or after `penchant
    stop-workers`, so that a supervisor starts it again. It does not start while a server that it needs is out of reach;
    while it works, it waits for one to come back, and loses nothing. What it does is told as JSON on standard error.

    With --concurrency, limits are those of each process: one that comes to a limit is followed by another with the
    settings of the start, and waits for a server that is away just then. `penchant stop-workers` ends all of them and
    this one, so that the next start has new code and settings. Metrics are the sum of all of them.

    Examples:

      penchant worker

      penchant worker --queue neo4j

      penchant worker --queue qdrant

      penchant worker --concurrency 3 --time-limit 3600 --memory-limit 512M

      penchant worker --metrics-port 9101
    """
    limit = _bytes_of(memory_limit)
    shown = _address(metrics_host, metrics_port)
    if concurrency > 1:
        with penchant() as container:  # what is configured wrongly is said once, and before anything is started
            reach(container, queue)
            stop, mark = container.stop(), stop_mark(container.registry())
            settings = container.settings()
        stop.listen()
        with showing_children(settings, shown, concurrency) as watch:
            code = supervise(_without_concurrency(sys.argv[1:]), concurrency, stop, mark, watch)
        raise typer.Exit(code)
    with unchecked() as container, _showing_metrics(container, shown):
        container.library_log().listen()
        if not _is_ready(container, queue):
            return
        container.prefetch.override(prefetch if prefetch is not None else 2 * batch_size)
        options = WorkerOptions(
            batch_size=batch_size,
            linger_seconds=container.settings().linger_seconds,
            time_limit_seconds=time_limit,
            memory_limit_bytes=limit,
            where=whereabouts(container, queue),
            stop_mark=mark_of_supervisor(),
        )
        try:
            reason = run_worker(container, options, with_relay=relay, queue=queue)
        except RecipeChangedError as error:  # an end like that at a limit: a supervisor starts it again
            container.journal().info("worker_stopped", str(error))
            return
    if reason is StopReason.MARKED and is_supervised():
        raise typer.Exit(EXIT_MARKED)


def _address(host: str, port: int | None) -> MetricsAddress | None:
    return MetricsAddress(host=host, port=port) if port is not None else None


def _showing_metrics(container: Container, where: MetricsAddress | None) -> AbstractContextManager[None]:
    if where is not None and is_supervised():
        write_for_supervisor(container)
        return nullcontext()
    return showing_metrics(container, where)


def _is_ready(container: Container, queue: str) -> bool:
    """Make the container ready for a worker that hears signals; False if it has been asked to end meanwhile."""
    stop = container.stop()
    if not is_supervised():
        _prepare(container, queue)
        reach(container, queue)
        stop.listen()
        return True
    stop.listen()
    end_with_supervisor(stop)
    return wait_for_servers(container, partial(_prepare, queue=queue))


def _prepare(container: Container, queue: str) -> None:
    consumers(container, queue)  # who cannot begin at all says so before any part is made
    with_embeddings = queue in (EMBEDDINGS, ALL)
    alone = other_consumers(container, queue) if not with_embeddings else []
    if with_embeddings or any(consuming.needs_recipe for consuming in alone):
        make_ready(container)
    else:
        prepare(container)  # without a recipe there is no need of an embedder
    for work in [container.work] if with_embeddings else [consuming.work for consuming in alone]:
        work()  # some of its parts ask a server when they are made


def relay(metrics_port: MetricsPort = None, metrics_host: MetricsHost = LOOPBACK) -> None:
    """Move events from the outbox to the broker, until it is stopped.

    Workers do it by themselves; this is for those started with --no-relay, and for more throughput. Several may run.

    Example:

      penchant relay
    """
    with unchecked() as container, showing_metrics(container, _address(metrics_host, metrics_port)):
        container.library_log().listen()
        make_ready(container)
        if container.applies_itself():
            text = "There is no broker to relay to: workers take events straight from the outbox. Set RABBITMQ_DSN."
            raise ConfigurationError(text)
        container.stop().listen()
        container.run_relay()(RELAY_AT_ONCE)


def stop_workers(as_json: Json = False) -> None:
    """Tell every worker that runs now, on any machine, to end after its batch.

    Each sees it within about a second, and one with --concurrency ends with all of its processes. Exit code 0. Those
    started afterwards are not meant, so a supervisor brings them back with new code or settings. Workers are those on
    the log that this command finds by its settings, which it names.

    Example:

      penchant stop-workers
    """
    with unchecked() as container:
        if container.is_new():
            home = container.settings().home
            text = f"No variable names a server, and there is nothing in {home}, so there is no worker to tell. "
            raise ConfigurationError(text + "Give this command the settings of the workers, DATABASE_URL above all.")
        prepare(container)
        where, (workers, trouble) = container.schema().where, _consumers(container)
        container.stop_workers()()
        embedded = container.embedded()
    if as_json:
        print_json({"told": True, "log": where, "workers": workers, "trouble": trouble})
        return
    print_paragraph(f"All workers on the log at {where} have been told to end after their batch.")
    if workers is not None:
        print_paragraph(f"The broker sees {workers:,} that take from the work queue.")
    if trouble is not None:
        print_paragraph(f"How many the broker sees is not known: {trouble}")
    if embedded:
        print_paragraph("That is the embedded one: DATABASE_URL is not set here, and workers on servers were not told.")


def _consumers(container: Container) -> tuple[int | None, str | None]:
    """How many take from the work queue, None without a broker; and what keeps a broker from saying it.

    Workers need no broker to be told.
    """
    try:
        states = container.queues().states()
    except PenchantError as error:
        return None, str(error)
    return states[WORK_QUEUE].consumers if states is not None else None, None


def _without_concurrency(arguments: list[str]) -> list[str]:
    """The arguments of one of several worker processes."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip or argument.startswith("--concurrency="):
            skip = False
        elif argument == "--concurrency":
            skip = True
        else:
            kept.append(argument)
    return kept


def _bytes_of(size: str | None) -> int | None:
    if size is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?", size.strip().upper().replace("IB", "B"))
    if match is None or float(match[1]) == 0:
        raise InvalidValueError("--memory-limit", f"is {size!r}", "give a size such as 512M or 2G")
    return int(float(match[1]) * _UNITS[match[2]])
