"""The container: the only place where adapters are chosen and put together."""

from dependency_injector import containers, providers

from adapters.memory.system import CountingMetrics
from adapters.online_retail.dataset import OnlineRetail
from adapters.outbox.message_source import OutboxMessageSource, RetryPolicy
from adapters.sql.database import Database, sqlite_url
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.phrase_vectors import SqlPhraseVectors
from adapters.sql.product_catalogue import SqlProductCatalogue, SqlProductChanges
from adapters.sql.registry import SqlRegistry
from adapters.sql.schema import SqlSchema
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from adapters.system.system import RandomIds, SystemClock
from adapters.wordllama.embedder import WordLlamaEmbedder
from application.catch_up import CatchUp
from application.explain import Explain
from application.fold_from_log import FoldFromLog
from application.import_products import ImportProducts
from application.phrases import EmbedPhrases
from application.rebuild import RebuildUsers
from application.recommend import Recommend
from application.record import RecordEvents
from application.state_writer import StateWriter
from application.stats import CountEverything
from application.subject_vectors import ReadSubjectVectors
from application.update import UpdateUserEmbeddings
from application.verify import VerifyUsers
from application.work import Work
from domain.recipe import Recipe
from entrypoints.settings import Settings


def _database(settings: Settings) -> Database:
    return Database(sqlite_url(settings.database_path), setting="PENCHANT_HOME")


class Container(containers.DeclarativeContainer):
    """Penchant, put together from its settings. Every part is made at its first use, once."""

    settings = providers.Dependency(instance_of=Settings)

    # Adapters, one a port.
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    metrics = providers.Singleton(CountingMetrics)
    embedder = providers.Singleton(WordLlamaEmbedder)
    database = providers.Singleton(_database, settings)
    schema = providers.Singleton(SqlSchema, database)
    event_log = providers.Singleton(SqlEventLog, database)
    outbox = providers.Singleton(SqlOutbox, database)
    dead_letters = providers.Singleton(SqlDeadLetters, database)
    registry = providers.Singleton(SqlRegistry, database)
    product_changes = providers.Singleton(SqlProductChanges, database)
    store = providers.Singleton(SqlUserEmbeddingStore, database, embedder.provided.dimensions)
    catalogue = providers.Singleton(SqlProductCatalogue, database, embedder.provided.dimensions)
    phrase_vectors = providers.Singleton(SqlPhraseVectors, database, embedder.provided.dimensions)
    retry_policy = providers.Singleton(
        RetryPolicy, max_retries=settings.provided.max_retries, delay_ms=settings.provided.retry_delay_ms
    )
    message_source = providers.Singleton(OutboxMessageSource, outbox, dead_letters, clock, retry_policy)
    sample_shop = providers.Singleton(OnlineRetail)

    recipe = providers.Singleton(
        Recipe,
        decay=settings.provided.decay,
        weights=settings.provided.weights,
        model=embedder.provided.model,
        dimensions=embedder.provided.dimensions,
    )

    # Use cases.
    record = providers.Singleton(RecordEvents, event_log, clock)
    subject_vectors = providers.Singleton(ReadSubjectVectors, catalogue, phrase_vectors, embedder.provided.model)
    state_writer = providers.Singleton(StateWriter, store, registry, recipe, clock, ids, metrics)
    fold_from_log = providers.Singleton(FoldFromLog, event_log, subject_vectors, recipe)
    embed_phrases = providers.Singleton(EmbedPhrases, embedder, phrase_vectors, clock, metrics)
    update = providers.Singleton(
        UpdateUserEmbeddings,
        writer=state_writer,
        log=event_log,
        vectors=subject_vectors,
        phrases=embed_phrases,
        fold_from_log=fold_from_log,
        recipe=recipe,
        metrics=metrics,
    )
    work = providers.Singleton(Work, message_source, update, settings.provided.batch_size)
    rebuild = providers.Singleton(RebuildUsers, state_writer, fold_from_log, event_log, metrics)
    verify = providers.Singleton(
        VerifyUsers,
        store=store,
        log=event_log,
        catalogue=catalogue,
        changes=product_changes,
        vectors=subject_vectors,
        recipe=recipe,
    )
    catch_up = providers.Singleton(
        CatchUp,
        log=event_log,
        outbox=outbox,
        store=store,
        catalogue=catalogue,
        dead_letters=dead_letters,
        clock=clock,
        metrics=metrics,
    )
    import_products = providers.Singleton(
        ImportProducts,
        catalogue=catalogue,
        changes=product_changes,
        embedder=embedder,
        log=event_log,
        outbox=outbox,
        rebuild=rebuild,
        clock=clock,
    )
    recommend = providers.Singleton(Recommend, store, catalogue, event_log, recipe)
    explain = providers.Singleton(
        Explain,
        store=store,
        log=event_log,
        catalogue=catalogue,
        vectors=subject_vectors,
        recipe=recipe,
        clock=clock,
    )
    stats = providers.Singleton(
        CountEverything,
        log=event_log,
        outbox=outbox,
        store=store,
        catalogue=catalogue,
        changes=product_changes,
        dead_letters=dead_letters,
    )


PORTS = (
    "event_log",
    "outbox",
    "message_source",
    "store",
    "catalogue",
    "product_changes",
    "phrase_vectors",
    "embedder",
    "dead_letters",
    "registry",
    "sample_shop",
    "clock",
    "ids",
    "metrics",
)
"""The providers of the ports, for `penchant config show`."""
