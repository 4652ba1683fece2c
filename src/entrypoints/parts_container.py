"""What use cases are made of: adapters, one a port, as the settings choose them, and what they compute with."""

from dependency_injector import providers

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


class Parts:
    """Each is made at its first use, once.

    The providers of dependency-injector without its declarative container, which loads all of FastAPI at every start.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = providers.Object(settings)

        # What is configured chooses among the adapters of a port.
        self.stores = providers.Callable(lambda s: "mongodb" if s.mongodb_url is not None else "sql", self.settings)
        self.brokers = providers.Callable(lambda s: "kombu" if s.broker_url is not None else "outbox", self.settings)
        self.caches = providers.Callable(lambda s: "redis" if s.redis_url is not None else "sql", self.settings)
        self.graphs = providers.Callable(lambda s: "neo4j" if s.neo4j_url is not None else "none", self.settings)
        self.searches = providers.Callable(
            lambda s: "qdrant" if s.qdrant_url is not None else "embedded", self.settings
        )
        self.embedders = providers.Callable(
            lambda s: "openai" if s.openai_api_key is not None else "wordllama", self.settings
        )

        self.embedded = providers.Callable(lambda s: s.database_url is None, self.settings)
        """Whether the database is the SQLite file in PENCHANT_HOME: whoever comes first makes or upgrades it."""
        self.is_new = providers.Callable(
            lambda s: s.database_url is None and not s.database_path.exists(), self.settings
        )
        """Whether there is nothing yet on embedded parts, not even the file, which looking into it would make."""
        self.applies_itself = providers.Callable(lambda s: s.broker_url is None, self.settings)
        """Whether there is no broker, so that whoever records also applies, and the outbox needs no relay."""

        # Adapters, one a port.
        self.clock = providers.Singleton(SystemClock)
        self.ids = providers.Singleton(RandomIds)
        self.metrics_wanted = providers.Object(False)
        """Whether somebody may read metrics; the command line overrides it."""
        self.metrics = providers.Selector(
            providers.Callable(lambda wanted: "prometheus" if wanted else "counting", self.metrics_wanted),
            prometheus=providers.Singleton(production.prometheus_metrics),
            counting=providers.Singleton(CountingMetrics),
        )
        self.stop = providers.Singleton(SignalStop)
        self.process = providers.Singleton(SystemProcess)
        self.journal = providers.Singleton(production.journal)
        self.library_log = providers.Singleton(LibraryLog, self.journal, self.clock)
        self.tracer = providers.Resource(production.tracer, self.journal.provider)
        self.embedder = providers.Selector(
            self.embedders,
            wordllama=providers.Singleton(WordLlamaEmbedder),
            openai=providers.Singleton(production.openai_embedder, self.settings, self.clock),
        )
        self.dimensions = self.embedder.provided.dimensions
        self.model = self.embedder.provided.model

        self.database = providers.Resource(production.database, self.settings)
        self.schema = providers.Singleton(SqlSchema, self.database)
        self.event_log = providers.Singleton(SqlEventLog, self.database)
        self.outbox = providers.Singleton(SqlOutbox, self.database)
        self.dead_letters = providers.Singleton(SqlDeadLetters, self.database)
        self.registry = providers.Singleton(SqlRegistry, self.database)
        self.product_changes = providers.Singleton(SqlProductChanges, self.database)

        self.mongodb = providers.Resource(production.mongodb, self.settings)
        self.mongodb_schema = providers.Singleton(production.mongodb_schema, self.mongodb, self.dimensions)
        self.store = providers.Selector(
            self.stores,
            sql=providers.Singleton(SqlUserEmbeddingStore, self.database, self.dimensions),
            mongodb=providers.Singleton(production.mongodb_store, self.mongodb, self.dimensions),
        )
        self.catalogue = providers.Selector(
            self.stores,
            sql=providers.Singleton(SqlProductCatalogue, self.database, self.dimensions, self.model),
            mongodb=providers.Singleton(production.mongodb_catalogue, self.mongodb, self.dimensions, self.model),
        )

        self.neo4j = providers.Resource(production.neo4j, self.settings)
        self.neo4j_schema = providers.Singleton(production.neo4j_schema, self.neo4j)
        self.graph = providers.Singleton(production.neo4j_graph, self.neo4j, self.settings.provided.graph_phrases)
        self.co_purchases = providers.Singleton(production.neo4j_co_purchases, self.neo4j)

        self.stored_phrase_vectors = providers.Singleton(SqlPhraseVectors, self.database, self.dimensions)
        self.log_id = providers.Singleton(production.log_id, self.registry, self.ids)
        self.phrase_vectors = providers.Selector(
            self.caches,
            sql=self.stored_phrase_vectors,
            redis=providers.Singleton(
                production.redis_phrase_vectors,
                self.stored_phrase_vectors,
                self.settings,
                self.log_id,
                self.dimensions,
                self.clock,
                self.metrics,
            ),
        )
        self.rate_limiter = providers.Singleton(
            production.rate_limiter, self.settings, self.log_id, self.clock, self.journal
        )
        """Of the HTTP API; None where no limit is set."""
        self.api_client = providers.Factory(production.api_client, self.settings)
        """What sends events to a running API, made for its URL."""
        self.sample_shop = providers.Singleton(OnlineRetail)

        self.recipe = providers.Singleton(_recipe, self.settings, self.registry, self.model, self.dimensions)
        self.subject_vectors = providers.Singleton(ReadSubjectVectors, self.catalogue, self.phrase_vectors, self.model)

    def shutdown_resources(self) -> None:
        """Close what was opened, what was named last first. Each resource is an attribute of its own."""
        for part in reversed(vars(self).values()):
            if isinstance(part, providers.Resource):
                part.shutdown()
