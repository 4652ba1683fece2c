"""What every consumer of events needs beside what it does with them: one more of these in the container is one more."""

from typing import Any

from dependency_injector import providers

from application.catch_up_in_turn import CAUGHT_UP, CatchUpInTurn
from application.catch_up_projection import CatchUpProjection
from application.project_events import ProjectEvents
from application.rebuild_projection import RebuildProjection
from application.work import Work
from entrypoints import production
from entrypoints.writing_container import Writing

Part = providers.Provider[Any]


class ConsumerContainer:
    """The consumer of one queue.

    Parameters
    ----------
    shop : the container that it is part of.
    name : what the command line calls it.
    schema : what its server needs: installed by `setup`, examined by `doctor`, required by `/ready`.
    begin : what its workers call first; they require the schema, if left out.
    apply : what it does with deliveries.
    proofs : what holds against their source the things that it keeps.
    chores : what its workers do beside that.
    needs_recipe : whether what it keeps is of one recipe, as vectors are.
    """

    def __init__(
        self,
        shop: Writing,
        *,
        name: str,
        queue: str,
        schema: Part,
        begin: Part | None = None,
        apply: Part,
        rebuild: Part,
        catch_up: Part,
        proofs: Part | None = None,
        chores: Part | None = None,
        needs_recipe: bool = False,
    ) -> None:
        self.name, self.queue, self.needs_recipe = name, queue, needs_recipe
        self.schema = schema
        self.begin = begin if begin is not None else schema.provided.require
        self.rebuild = rebuild
        self.catch_up = catch_up
        self.proofs = proofs if proofs is not None else providers.List()
        self.chores = chores if chores is not None else providers.List()
        self.source = providers.Singleton(
            production.message_source, shop.broker, shop.topology, shop.clock, shop.prefetch, shop.settings, queue
        )
        self.work = providers.Singleton(
            Work,
            source=self.source,
            apply=apply,
            record=shop.record,
            clock=shop.clock,
            metrics=shop.metrics,
            queue=queue,
            on_outage=shop.settings.provided.on_outage,
            tracer=shop.tracer,
        )
        self.catch_up_in_turn = providers.Singleton(
            CatchUpInTurn,
            catch_up,
            shop.outbox,
            shop.registry,
            shop.clock,
            shop.settings.provided.catch_up_interval,
            self.work,
            f"{CAUGHT_UP} {queue}",
        )


def keeping(shop: Writing, projection: Part, *, queue: str, **own: Any) -> ConsumerContainer:
    """The consumer that keeps a projection; `own` is what else it has of its own."""
    project = providers.Singleton(ProjectEvents, projection, shop.event_log, shop.metrics, queue)
    catch_up = providers.Singleton(
        CatchUpProjection,
        projection=projection,
        project=project,
        log=shop.event_log,
        dead_letters=shop.dead_letters,
        clock=shop.clock,
        metrics=shop.metrics,
        queue=queue,
    )
    rebuild = providers.Singleton(RebuildProjection, project, projection, shop.event_log)
    return ConsumerContainer(shop, queue=queue, apply=project, rebuild=rebuild, catch_up=catch_up, **own)
