"""What every projection needs to be kept: one more of these in the container is one more consumer."""

from typing import Any

from dependency_injector import containers, providers

from application.catch_up_in_turn import CAUGHT_UP, CatchUpInTurn
from application.catch_up_projection import CatchUpProjection
from application.project_events import ProjectEvents
from application.rebuild_projection import RebuildProjection
from application.work import Work
from entrypoints import production


class ProjectionContainer(containers.DeclarativeContainer):
    """The consumer of one queue, and its projection; all else is shared by the whole program.

    `name` is what the command line calls it, `schema` what its server needs (installed by `setup`, examined by
    `doctor`, required by a worker), `verify` what holds the projection against the log,
    or None.
    """

    name = providers.Dependency(instance_of=str)
    queue = providers.Dependency(instance_of=str)
    projection: providers.Dependency[Any] = providers.Dependency()
    schema: providers.Dependency[Any] = providers.Dependency()
    verify: providers.Dependency[Any] = providers.Dependency()

    settings: providers.Dependency[Any] = providers.Dependency()
    broker: providers.Dependency[Any] = providers.Dependency()
    topology: providers.Dependency[Any] = providers.Dependency()
    prefetch: providers.Dependency[Any] = providers.Dependency()
    event_log: providers.Dependency[Any] = providers.Dependency()
    outbox: providers.Dependency[Any] = providers.Dependency()
    dead_letters: providers.Dependency[Any] = providers.Dependency()
    registry: providers.Dependency[Any] = providers.Dependency()
    record: providers.Dependency[Any] = providers.Dependency()
    clock: providers.Dependency[Any] = providers.Dependency()
    metrics: providers.Dependency[Any] = providers.Dependency()
    tracer: providers.Dependency[Any] = providers.Dependency()

    project = providers.Singleton(ProjectEvents, projection, event_log, metrics, queue)
    rebuild = providers.Singleton(RebuildProjection, project, projection, event_log)
    source = providers.Singleton(production.message_source, broker, topology, clock, prefetch, settings, queue)
    work = providers.Singleton(
        Work,
        source=source,
        apply=project,
        record=record,
        clock=clock,
        metrics=metrics,
        queue=queue,
        on_outage=settings.provided.on_outage,
        tracer=tracer,
    )
    catch_up = providers.Singleton(
        CatchUpProjection,
        projection=projection,
        project=project,
        log=event_log,
        dead_letters=dead_letters,
        clock=clock,
        metrics=metrics,
        queue=queue,
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
