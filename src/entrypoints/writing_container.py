"""What moves an event from its recording into the stored state."""

from dependency_injector import containers, providers

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
from entrypoints.parts_container import Parts


class Writing(containers.DeclarativeContainer):
    """Recording, relaying, updating, catching up, rebuilding, and what becomes of events that cannot be applied."""

    record = providers.Singleton(RecordEvents, Parts.event_log, Parts.clock, Parts.tracer)
    state_writer = providers.Singleton(
        StateWriter, Parts.store, Parts.registry, Parts.recipe, Parts.clock, Parts.ids, Parts.metrics, Parts.tracer
    )
    fold_from_log = providers.Singleton(FoldFromLog, Parts.event_log, Parts.subject_vectors, Parts.recipe)
    embed_phrases = providers.Singleton(
        EmbedPhrases, Parts.embedder, Parts.phrase_vectors, Parts.clock, Parts.metrics, Parts.tracer
    )
    update = providers.Singleton(
        UpdateUserEmbeddings,
        writer=state_writer,
        log=Parts.event_log,
        vectors=Parts.subject_vectors,
        phrases=embed_phrases,
        fold_from_log=fold_from_log,
        recipe=Parts.recipe,
        metrics=Parts.metrics,
    )
    work = providers.Singleton(
        Work,
        source=Messaging.message_source,
        apply=update,
        record=record,
        clock=Parts.clock,
        metrics=Parts.metrics,
        on_outage=Parts.settings.provided.on_outage,
        tracer=Parts.tracer,
    )
    wake = providers.Selector(
        providers.Callable(
            lambda s: "followers" if INDEX_QUEUE in s.fan_out and s.broker_url is not None else "nobody", Parts.settings
        ),
        followers=providers.Singleton(WakeFollowers, Parts.event_log, Parts.outbox),
        nobody=providers.Object(nobody_follows),
    )
    rebuild = providers.Singleton(RebuildUsers, state_writer, fold_from_log, Parts.event_log, Parts.metrics, wake)
    catch_up = providers.Singleton(
        CatchUp,
        log=Parts.event_log,
        outbox=Parts.outbox,
        store=Parts.store,
        catalogue=Parts.catalogue,
        dead_letters=Parts.dead_letters,
        phrases=embed_phrases,
        rebuild=rebuild,
        recipe=Parts.recipe,
        clock=Parts.clock,
        metrics=Parts.metrics,
    )
    catch_up_in_turn = providers.Singleton(
        CatchUpInTurn,
        catch_up,
        Parts.outbox,
        Parts.registry,
        Parts.clock,
        Parts.settings.provided.catch_up_interval,
        work,
    )
    relay = providers.Singleton(
        RelayOutbox, Parts.outbox, Messaging.publisher, Parts.clock, Parts.metrics, Parts.tracer
    )
    run_relay = providers.Singleton(RunRelay, relay, Parts.stop, Parts.clock, Parts.metrics, Parts.journal)
    collect_dead_letters = providers.Singleton(
        CollectDeadLetters, Messaging.dead_letter_queue, Parts.dead_letters, Parts.metrics
    )
    retry_dead_letters = providers.Singleton(
        RetryDeadLetters,
        dead_letters=Parts.dead_letters,
        log=Parts.event_log,
        outbox=Parts.outbox,
        record=record,
        clock=Parts.clock,
    )
