"""What every consumer of events needs beside what it does with them: one more of these in the container is one more."""

from functools import partial
from typing import Any

from dependency_injector import containers, providers

from application.catch_up_in_turn import CAUGHT_UP, CatchUpInTurn
from application.catch_up_projection import CatchUpProjection
from application.project_events import ProjectEvents
from application.rebuild_projection import RebuildProjection
from application.work import Work
from entrypoints import production
from entrypoints.messaging_container import Messaging
from entrypoints.parts_container import Parts
from entrypoints.writing_container import Writing


class ConsumerContainer(containers.DeclarativeContainer):
    """The consumer of one queue. Each has one of its own, so what is shared is given to it.

    `name` is what the command line calls it, `schema` what its server needs (installed by `setup`, examined by
    `doctor`, required by `/ready`), `begin` what its workers call first (left out: they require that), `apply` what it
    does with deliveries, `proofs` what holds against their source the things that it keeps, `chores` what its workers
    do beside that, and `needs_recipe` whether what it keeps is of one recipe, as vectors are.
    """

    name = providers.Dependency(instance_of=str)
    queue = providers.Dependency(instance_of=str)
    schema: providers.Dependency[Any] = providers.Dependency()
    begin: providers.Dependency[Any] = providers.Dependency(default=schema.provided.require)
    apply: providers.Dependency[Any] = providers.Dependency()
    rebuild: providers.Dependency[Any] = providers.Dependency()
    catch_up: providers.Dependency[Any] = providers.Dependency()
    proofs: providers.Dependency[Any] = providers.Dependency()
    chores: providers.Dependency[Any] = providers.Dependency()
    needs_recipe = providers.Dependency(instance_of=bool)

    settings: providers.Dependency[Any] = providers.Dependency()
    broker: providers.Dependency[Any] = providers.Dependency()
    topology: providers.Dependency[Any] = providers.Dependency()
    prefetch: providers.Dependency[Any] = providers.Dependency()
    outbox: providers.Dependency[Any] = providers.Dependency()
    registry: providers.Dependency[Any] = providers.Dependency()
    record: providers.Dependency[Any] = providers.Dependency()
    clock: providers.Dependency[Any] = providers.Dependency()
    metrics: providers.Dependency[Any] = providers.Dependency()
    tracer: providers.Dependency[Any] = providers.Dependency()

    source = providers.Singleton(production.message_source, broker, topology, clock, prefetch, settings, queue)
    work = providers.Singleton(
        Work,
        source=source,
        apply=apply,
        record=record,
        clock=clock,
        metrics=metrics,
        queue=queue,
        on_outage=settings.provided.on_outage,
        tracer=tracer,
    )
    catch_up_in_turn = providers.Singleton(
        CatchUpInTurn,
        catch_up,
        outbox,
        registry,
        clock,
        settings.provided.catch_up_interval,
        work,
        providers.Callable("{} {}".format, CAUGHT_UP, queue),
    )


consumer = partial(
    providers.Container,
    ConsumerContainer,
    settings=Parts.settings,
    broker=Messaging.broker,
    topology=Messaging.topology,
    prefetch=Messaging.prefetch,
    outbox=Parts.outbox,
    registry=Parts.registry,
    record=Writing.record,
    clock=Parts.clock,
    metrics=Parts.metrics,
    tracer=Parts.tracer,
    proofs=providers.List(),
    chores=providers.List(),
    needs_recipe=False,
)
"""A consumer of this program, made for what is its own."""


def keeping(projection: providers.Provider[Any], queue: str) -> dict[str, Any]:
    """What a consumer does that keeps a projection."""
    project = providers.Singleton(ProjectEvents, projection, Parts.event_log, Parts.metrics, queue)
    return {
        "apply": project,
        "rebuild": providers.Singleton(RebuildProjection, project, projection, Parts.event_log),
        "catch_up": providers.Singleton(
            CatchUpProjection,
            projection=projection,
            project=project,
            log=Parts.event_log,
            dead_letters=Parts.dead_letters,
            clock=Parts.clock,
            metrics=Parts.metrics,
            queue=queue,
        ),
    }
