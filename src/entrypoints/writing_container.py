"""What moves an event from its recording into the stored state."""

from dependency_injector import providers

from application.catch_up import CatchUp
from application.catch_up_in_turn import CatchUpInTurn
from application.collect_dead_letters import CollectDeadLetters
from application.dead_letter_office import RetryDeadLetters
from application.fold_from_log import FoldFromLog
from application.phrases import EmbedPhrases
from application.ports.queues import INDEX_QUEUE
from application.rebuild import RebuildUsers
from application.record import RecordEvents
from application.relay import RelayOutbox, RunRelay
from application.state_writer import StateWriter
from application.update import UpdateUserEmbeddings
from application.wake_followers import WakeFollowers, nobody_follows
from application.work import Work
from entrypoints.messaging_container import Messaging
from entrypoints.settings import Settings


class Writing(Messaging):
    """Recording, relaying, updating, catching up, rebuilding, and what becomes of events that cannot be applied."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.record = providers.Singleton(RecordEvents, self.event_log, self.clock, self.tracer)
        self.state_writer = providers.Singleton(
            StateWriter, self.store, self.registry, self.recipe, self.clock, self.ids, self.metrics, self.tracer
        )
        self.fold_from_log = providers.Singleton(FoldFromLog, self.event_log, self.subject_vectors, self.recipe)
        self.embed_phrases = providers.Singleton(
            EmbedPhrases, self.embedder, self.phrase_vectors, self.clock, self.metrics, self.tracer
        )
        self.update = providers.Singleton(
            UpdateUserEmbeddings,
            writer=self.state_writer,
            log=self.event_log,
            vectors=self.subject_vectors,
            phrases=self.embed_phrases,
            fold_from_log=self.fold_from_log,
            recipe=self.recipe,
            metrics=self.metrics,
        )
        self.work = providers.Singleton(
            Work,
            source=self.message_source,
            apply=self.update,
            record=self.record,
            clock=self.clock,
            metrics=self.metrics,
            on_outage=self.settings.provided.on_outage,
            tracer=self.tracer,
        )
        self.wake = providers.Selector(
            providers.Callable(
                lambda s: "followers" if INDEX_QUEUE in s.fan_out and s.broker_url is not None else "nobody",
                self.settings,
            ),
            followers=providers.Singleton(WakeFollowers, self.event_log, self.outbox),
            nobody=providers.Object(nobody_follows),
        )
        self.rebuild = providers.Singleton(
            RebuildUsers, self.state_writer, self.fold_from_log, self.event_log, self.metrics, self.wake
        )
        self.catch_up = providers.Singleton(
            CatchUp,
            log=self.event_log,
            outbox=self.outbox,
            store=self.store,
            catalogue=self.catalogue,
            dead_letters=self.dead_letters,
            phrases=self.embed_phrases,
            rebuild=self.rebuild,
            recipe=self.recipe,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.catch_up_in_turn = providers.Singleton(
            CatchUpInTurn,
            self.catch_up,
            self.outbox,
            self.registry,
            self.clock,
            self.settings.provided.catch_up_interval,
            self.work,
        )
        self.relay = providers.Singleton(
            RelayOutbox, self.outbox, self.publisher, self.clock, self.metrics, self.tracer
        )
        self.run_relay = providers.Singleton(RunRelay, self.relay, self.stop, self.clock, self.metrics, self.journal)
        self.collect_dead_letters = providers.Singleton(
            CollectDeadLetters, self.dead_letter_queue, self.dead_letters, self.metrics
        )
        self.retry_dead_letters = providers.Singleton(
            RetryDeadLetters,
            dead_letters=self.dead_letters,
            log=self.event_log,
            outbox=self.outbox,
            record=self.record,
            clock=self.clock,
        )
