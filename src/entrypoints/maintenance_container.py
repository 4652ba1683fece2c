"""What an operator asks for: how it goes, whether it is right, and changes of products and recipe."""

from dependency_injector import providers

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
from entrypoints.settings import Settings
from entrypoints.writing_container import Writing


class Maintenance(Writing):
    """Looking, verifying, replaying, stopping, importing."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.verify = providers.Singleton(
            VerifyUsers,
            store=self.store,
            log=self.event_log,
            catalogue=self.catalogue,
            changes=self.product_changes,
            vectors=self.subject_vectors,
            recipe=self.recipe,
        )
        self.flow = providers.Singleton(
            LookAtFlow,
            outbox=self.outbox,
            dead_letters=self.dead_letters,
            queues=self.queues,
            store=self.store,
            clock=self.clock,
        )
        self.look_at_queues = providers.Singleton(
            LookAtQueues,
            self.queues,
            self.outbox,
            self.dead_letters,
            providers.Callable(lambda s: (WORK_QUEUE, *s.fan_out), self.settings),
        )
        self.watch_pace = providers.Factory(WatchPace, self.event_log, self.clock)
        self.backlog = providers.Singleton(
            Backlog, outbox=self.outbox, dead_letters=self.dead_letters, clock=self.clock
        )
        self.replay = providers.Singleton(Replay, self.event_log, self.outbox)
        self.stop_workers = providers.Singleton(StopWorkers, self.registry, self.ids)
        self.import_products = providers.Singleton(
            ImportProducts,
            catalogue=self.catalogue,
            changes=self.product_changes,
            embedder=self.embedder,
            log=self.event_log,
            outbox=self.outbox,
            rebuild=self.rebuild,
            clock=self.clock,
        )
        self.change_recipe = providers.Singleton(
            ChangeRecipe,
            registry=self.registry,
            recipe=self.recipe,
            catalogue=self.catalogue,
            import_products=self.import_products,
            log=self.event_log,
            phrases=self.embed_phrases,
            store=self.store,
            rebuild=self.rebuild,
        )
        self.stats = providers.Singleton(
            CountEverything,
            log=self.event_log,
            outbox=self.outbox,
            store=self.store,
            catalogue=self.catalogue,
            changes=self.product_changes,
            dead_letters=self.dead_letters,
        )
