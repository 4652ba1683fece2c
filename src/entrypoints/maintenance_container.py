"""What an operator asks for: how it goes, whether it is right, and changes of products and recipe."""

from dependency_injector import containers, providers

from application.backlog import Backlog
from application.change_recipe import ChangeRecipe
from application.flow import LookAtFlow
from application.import_products import ImportProducts
from application.pace import WatchPace
from application.ports.queues import WORK_QUEUE
from application.queue_health import LookAtQueues
from application.replay import Replay
from application.stats import CountEverything
from application.stop_workers import StopWorkers
from application.verify import VerifyUsers
from entrypoints.messaging_container import Messaging
from entrypoints.parts_container import Parts
from entrypoints.writing_container import Writing


class Maintenance(containers.DeclarativeContainer):
    """Looking, verifying, replaying, stopping, importing."""

    verify = providers.Singleton(
        VerifyUsers,
        store=Parts.store,
        log=Parts.event_log,
        catalogue=Parts.catalogue,
        changes=Parts.product_changes,
        vectors=Parts.subject_vectors,
        recipe=Parts.recipe,
    )
    flow = providers.Singleton(
        LookAtFlow,
        outbox=Parts.outbox,
        dead_letters=Parts.dead_letters,
        queues=Messaging.queues,
        store=Parts.store,
        clock=Parts.clock,
    )
    look_at_queues = providers.Singleton(
        LookAtQueues,
        Messaging.queues,
        Parts.outbox,
        Parts.dead_letters,
        providers.Callable(lambda s: (WORK_QUEUE, *s.fan_out), Parts.settings),
    )
    watch_pace = providers.Factory(WatchPace, Parts.event_log, Parts.clock)
    backlog = providers.Singleton(Backlog, outbox=Parts.outbox, dead_letters=Parts.dead_letters, clock=Parts.clock)
    replay = providers.Singleton(Replay, Parts.event_log, Parts.outbox)
    stop_workers = providers.Singleton(StopWorkers, Parts.registry, Parts.ids)
    import_products = providers.Singleton(
        ImportProducts,
        catalogue=Parts.catalogue,
        changes=Parts.product_changes,
        embedder=Parts.embedder,
        log=Parts.event_log,
        outbox=Parts.outbox,
        rebuild=Writing.rebuild,
        clock=Parts.clock,
    )
    change_recipe = providers.Singleton(
        ChangeRecipe,
        registry=Parts.registry,
        recipe=Parts.recipe,
        catalogue=Parts.catalogue,
        import_products=import_products,
        log=Parts.event_log,
        phrases=Writing.embed_phrases,
        store=Parts.store,
        rebuild=Writing.rebuild,
    )
    stats = providers.Singleton(
        CountEverything,
        log=Parts.event_log,
        outbox=Parts.outbox,
        store=Parts.store,
        catalogue=Parts.catalogue,
        changes=Parts.product_changes,
        dead_letters=Parts.dead_letters,
    )
