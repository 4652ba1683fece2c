"""What use cases are made of: adapters, one a port, as the settings choose them, and what they compute with."""

import os

from dependency_injector import containers, providers

from adapters.memory.system import CountingMetrics
from adapters.online_retail.dataset import OnlineRetail
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from adapters.sql.outbox import SqlOutbox
from adapters.sql.phrase_vectors import SqlPhraseVectors
from adapters.sql.product_catalogue import SqlProductCatalogue, SqlProductChanges
from adapters.sql.registry import SqlRegistry
from adapters.sql.schema import SqlSchema
from adapters.sql.user_embedding_store import SqlUserEmbeddingStore
from adapters.structlog.journal import StructlogJournal
from adapters.structlog.library_log import LibraryLog
from adapters.system.system import RandomIds, SignalStop, SystemClock, SystemProcess
from adapters.wordllama.embedder import WordLlamaEmbedder
from application.active_recipe import active_recipe
from application.ports.registry import Registry
from application.subject_vectors import ReadSubjectVectors
from domain.recipe import Recipe
from entrypoints import production
from entrypoints.settings import Settings


def _recipe(settings: Settings, registry: Registry, model: str, dimensions: int) -> Recipe:
    return settings.recipe(active_recipe(registry), model, dimensions)


class Parts(containers.DeclarativeContainer):
    """Each is made at its first use, once. The other containers take them from here."""

    settings = providers.Dependency(instance_of=Settings)

    # What is configured chooses among the adapters of a port.
    stores = providers.Callable(lambda s: "mongodb" if s.mongodb_url is not None else "sql", settings)
    brokers = providers.Callable(lambda s: "kombu" if s.broker_url is not None else "outbox", settings)
    caches = providers.Callable(lambda s: "redis" if s.redis_url is not None else "sql", settings)
    graphs = providers.Callable(lambda s: "neo4j" if s.neo4j_url is not None else "none", settings)
    searches = providers.Callable(lambda s: "qdrant" if s.qdrant_url is not None else "embedded", settings)
    embedders = providers.Callable(lambda s: "openai" if s.openai_api_key is not None else "wordllama", settings)

    embedded = providers.Callable(lambda s: s.database_url is None, settings)
    """Whether the database is the SQLite file in PENCHANT_HOME, which is made and upgraded by whoever comes first."""
    is_new = providers.Callable(lambda s: s.database_url is None and not s.database_path.exists(), settings)
    """Whether there is nothing yet on embedded parts, not even the file, which looking into it would make."""
    applies_itself = providers.Callable(lambda s: s.broker_url is None, settings)
    """Whether there is no broker, so that whoever records also applies, and the outbox needs no relay."""

    # Adapters, one a port.
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    metrics_wanted = providers.Object(False)
    """Whether somebody may read metrics; the command line overrides it."""
    metrics = providers.Selector(
        providers.Callable(lambda wanted: "prometheus" if wanted else "counting", metrics_wanted),
        prometheus=providers.Singleton(production.prometheus_metrics),
        counting=providers.Singleton(CountingMetrics),
    )
    stop = providers.Singleton(SignalStop)
    process = providers.Singleton(SystemProcess)
    journal = providers.Singleton(StructlogJournal, pid=providers.Callable(os.getpid))
    library_log = providers.Singleton(LibraryLog, journal, clock)
    tracer = providers.Resource(production.tracer, journal)
    embedder = providers.Selector(
        embedders,
        wordllama=providers.Singleton(WordLlamaEmbedder),
        openai=providers.Singleton(production.openai_embedder, settings, clock),
    )
    dimensions = embedder.provided.dimensions
    model = embedder.provided.model

    database = providers.Resource(production.database, settings)
    schema = providers.Singleton(SqlSchema, database)
    event_log = providers.Singleton(SqlEventLog, database)
    outbox = providers.Singleton(SqlOutbox, database)
    dead_letters = providers.Singleton(SqlDeadLetters, database)
    registry = providers.Singleton(SqlRegistry, database)
    product_changes = providers.Singleton(SqlProductChanges, database)

    mongodb = providers.Resource(production.mongodb, settings)
    mongodb_schema = providers.Singleton(production.mongodb_schema, mongodb, dimensions)
    store = providers.Selector(
        stores,
        sql=providers.Singleton(SqlUserEmbeddingStore, database, dimensions),
        mongodb=providers.Singleton(production.mongodb_store, mongodb, dimensions),
    )
    catalogue = providers.Selector(
        stores,
        sql=providers.Singleton(SqlProductCatalogue, database, dimensions, model),
        mongodb=providers.Singleton(production.mongodb_catalogue, mongodb, dimensions, model),
    )

    neo4j = providers.Resource(production.neo4j, settings)
    neo4j_schema = providers.Singleton(production.neo4j_schema, neo4j)
    graph = providers.Singleton(production.neo4j_graph, neo4j, settings.provided.graph_phrases)
    co_purchases = providers.Singleton(production.neo4j_co_purchases, neo4j)

    stored_phrase_vectors = providers.Singleton(SqlPhraseVectors, database, dimensions)
    log_id = providers.Singleton(production.log_id, registry, ids)
    phrase_vectors = providers.Selector(
        caches,
        sql=stored_phrase_vectors,
        redis=providers.Singleton(
            production.redis_phrase_vectors, stored_phrase_vectors, settings, log_id, dimensions, clock, metrics
        ),
    )
    rate_limiter = providers.Singleton(production.rate_limiter, settings, log_id, clock, journal)
    """Of the HTTP API; None where no limit is set."""
    api_client = providers.Factory(production.api_client, settings)
    """What sends events to a running API, made for its URL."""
    sample_shop = providers.Singleton(OnlineRetail)

    recipe = providers.Singleton(_recipe, settings, registry, model, dimensions)
    subject_vectors = providers.Singleton(ReadSubjectVectors, catalogue, phrase_vectors, model)
