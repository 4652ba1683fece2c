"""The HTTP API as a process: the server, and beside it what moves events on."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial

from adapters.http.access import AccessGate
from adapters.http.app import create_app
from adapters.http.server import listen, serve
from adapters.http.service import Gate, Limits, Service
from application.readiness import Readiness
from application.worker import WorkerOptions
from domain.errors import ConfigurationError
from entrypoints.beside import running_beside
from entrypoints.consumer_container import ConsumerContainer
from entrypoints.consumers import other_consumers
from entrypoints.container import Container
from entrypoints.keys import keys_of, watched_keys
from entrypoints.metrics import exposition
from entrypoints.worker import RELAY_AT_ONCE, run_worker, whereabouts

APPLY_AT_ONCE = 1_000
RELAY_AGAIN_SECONDS = 30.0


def run_api(container: Container, host: str, port: int, *, with_relay: bool) -> None:
    """Serve until the end. The container's stop must be listening if signals are to end what runs beside."""
    service = service_of(container)
    keys = keys_of(container.settings()) is not None

    def tell() -> None:
        text = f"The API answers on {host} port {port}, " + ("to who has a key." if keys else "and needs no keys.")
        container.journal().info("api_started", text, host=host, port=port, keys=keys)
        if not keys and container.settings().rate_limit_per_key is not None:
            text = "PENCHANT_RATE_LIMIT_PER_KEY counts all callers together, because no keys are set."
            container.journal().warning("rate_limit_for_all", text)

    sockets = listen(host, port)
    with _beside(container, with_relay):
        serve(
            create_app(service),
            sockets,
            stop=container.stop(),
            journal=service.journal,
            clock=service.clock,
            metrics=service.metrics,
            limits=service.limits,
            on_start=tell,
        )


def _beside(container: Container, with_relay: bool) -> AbstractContextManager[None]:
    """On embedded parts a worker, since there is nobody else; with a broker a relay."""
    if not container.applies_itself():
        if not with_relay:
            return nullcontext()
        return running_beside("relay", lambda: _relay_patiently(container), container.stop())
    options = WorkerOptions(
        batch_size=APPLY_AT_ONCE,
        linger_seconds=container.settings().linger_seconds,
        where=whereabouts(container),
    )
    return running_beside("worker", lambda: run_worker(container, options, with_relay=False), container.stop())


def _relay_patiently(container: Container) -> None:
    """Relay to the end. What is wrong on the broker keeps nobody from recording, so it is told, and waited for."""
    run, stop = container.run_relay(), container.stop()
    while not stop.asked:
        try:
            run(RELAY_AT_ONCE)
        except ConfigurationError as error:
            container.journal().warning("relay_failed", f"{error} Events wait in the outbox.")
            stop.wait(RELAY_AGAIN_SECONDS)


def service_of(container: Container) -> Service:
    """What the API needs, from the container."""
    log, store, registry = container.event_log(), container.store(), container.registry()
    return Service(
        record=container.record(),
        read=container.read_embedding(),
        recommend=container.recommend(),
        filter_products=container.filter_products(),
        similar_products=container.similar_products(),
        neighbours=container.neighbours(),
        explain=container.explain(),
        clock=container.clock(),
        ids=container.ids(),
        journal=container.journal(),
        ready=Readiness(
            {
                "log": lambda: log.heads(None, 1),
                "recipe": lambda: registry.get("recipe"),
                "user embeddings": lambda: store.user_ids(None, 1),
            },
            container.clock(),
            beside={consuming.name: partial(_require, consuming) for consuming in other_consumers(container)},
        ),
        queues=container.look_at_queues(),
        metrics=container.metrics(),
        exposition=exposition(container),
        gate=_gate(container),
        tracer=container.tracer(),
        limits=_limits(container),
        own_machine_only=keys_of(container.settings()) is None,
    )


def _limits(container: Container) -> Limits:
    settings = container.settings()
    seconds = settings.http_timeout_seconds
    return Limits(
        body_seconds=seconds,
        header_seconds=seconds,
        answer_seconds=seconds,
        connections=settings.http_max_connections,
    )


def _require(consuming: ConsumerContainer) -> None:
    consuming.schema().require()


def _gate(container: Container) -> Gate:
    keys = watched_keys(container.settings(), container.journal(), container.metrics())
    return AccessGate(keys, container.rate_limiter())
