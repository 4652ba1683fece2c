"""The container: the only place where adapters are chosen and put together."""

import os
from functools import partial

from dependency_injector import containers, providers

from adapters.memory.product_catalogue import MemoryPhraseVectors
from adapters.memory.system import CountingMetrics
from adapters.online_retail.dataset import OnlineRetail
from adapters.outbox.message_source import NoDeadLetterQueue, NoQueues, OutboxMessageSource
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
from application.backlog import Backlog
from application.candidates import BoughtWith, NearestProducts
from application.catch_up import CatchUp
from application.catch_up_in_turn import CatchUpInTurn
from application.change_recipe import ChangeRecipe
from application.collect_dead_letters import CollectDeadLetters
from application.dead_letter_office import RetryDeadLetters
from application.explain import Explain
from application.flow import LookAtFlow
from application.fold_from_log import FoldFromLog
from application.import_products import ImportProducts
from application.neighbours import FindNeighbours
from application.optional_source import OptionalSource
from application.pace import WatchPace
from application.phrases import EmbedPhrases
from application.popular_products import PopularProducts
from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE, WORK_QUEUE
from application.ports.registry import Registry
from application.pulls import StrongestPulls
from application.queue_health import LookAtQueues
from application.read_embedding import ReadEmbedding
from application.read_material import EmbedMaterial, ReadMaterial
from application.rebuild import RebuildUsers
from application.recommend import Recommend, Source
from application.record import RecordEvents
from application.relay import RelayOutbox, RunRelay
from application.replay import Replay
from application.retry_policy import RetryPolicy
from application.shopper import ReadShopper
from application.similar_products import FindSimilarProducts
from application.state_writer import StateWriter
from application.stats import CountEverything
from application.stop_workers import StopWorkers
from application.subject_vectors import ReadSubjectVectors
from application.update import UpdateUserEmbeddings
from application.verify import VerifyUsers
from application.verify_graph import VerifyGraph
from application.wake_followers import WakeFollowers, nobody_follows
from application.work import Work
from domain.recipe import Recipe
from entrypoints import production
from entrypoints.consumer_container import ConsumerContainer, keeping
from entrypoints.index_container import IndexContainer
from entrypoints.proofs import Proof
from entrypoints.settings import Settings


def _recipe(settings: Settings, registry: Registry, model: str, dimensions: int) -> Recipe:
    return settings.recipe(active_recipe(registry), model, dimensions)


class Container(containers.DeclarativeContainer):
    """Penchant, put together from its settings. Every part is made at its first use, once."""

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

    retry_policy = providers.Singleton(
        RetryPolicy.doubling, max_retries=settings.provided.max_retries, delay_ms=settings.provided.retry_delay_ms
    )
    prefetch = providers.Object(1_000)
    """Messages that a worker has at hand at the most; the command line overrides it."""
    topology = providers.Singleton(production.topology, settings, retry_policy)
    broker = providers.Singleton(production.broker, settings)
    broker_installation = providers.Singleton(production.installation, broker, topology)
    broker_examination = providers.Singleton(production.examination, broker, topology)
    publisher = providers.Resource(production.publisher, broker, topology)
    message_source = providers.Selector(
        brokers,
        outbox=providers.Singleton(OutboxMessageSource, outbox, dead_letters, clock, retry_policy, stop),
        kombu=providers.Singleton(production.message_source, broker, topology, clock, prefetch, settings, WORK_QUEUE),
    )
    dead_letter_queue = providers.Selector(
        brokers,
        outbox=providers.Singleton(NoDeadLetterQueue),
        kombu=providers.Resource(production.dead_letter_queue, broker, topology, clock),
    )
    queues = providers.Selector(
        brokers,
        outbox=providers.Singleton(NoQueues),
        kombu=providers.Resource(production.queues, broker, topology),
    )
    rate_limiter = providers.Singleton(production.rate_limiter, settings, log_id, clock, journal)
    """Of the HTTP API; None where no limit is set."""
    api_client = providers.Factory(production.api_client, settings)
    """What sends events to a running API, made for its URL."""
    sample_shop = providers.Singleton(OnlineRetail)

    recipe = providers.Singleton(_recipe, settings, registry, model, dimensions)

    index = providers.Container(
        IndexContainer,
        settings=settings,
        store=store,
        catalogue=catalogue,
        event_log=event_log,
        dead_letters=dead_letters,
        registry=registry,
        recipe=recipe,
        model=model,
        dimensions=dimensions,
        clock=clock,
        metrics=metrics,
        journal=journal,
        stop=stop,
    )

    # Use cases.
    record = providers.Singleton(RecordEvents, event_log, clock, tracer)
    subject_vectors = providers.Singleton(ReadSubjectVectors, catalogue, phrase_vectors, model)
    state_writer = providers.Singleton(StateWriter, store, registry, recipe, clock, ids, metrics, tracer)
    fold_from_log = providers.Singleton(FoldFromLog, event_log, subject_vectors, recipe)
    embed_phrases = providers.Singleton(EmbedPhrases, embedder, phrase_vectors, clock, metrics, tracer)
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
    work = providers.Singleton(
        Work,
        source=message_source,
        apply=update,
        record=record,
        clock=clock,
        metrics=metrics,
        on_outage=settings.provided.on_outage,
        tracer=tracer,
    )
    wake = providers.Selector(
        providers.Callable(
            lambda s: "followers" if INDEX_QUEUE in s.fan_out and s.broker_url is not None else "nobody", settings
        ),
        followers=providers.Singleton(WakeFollowers, event_log, outbox),
        nobody=providers.Object(nobody_follows),
    )
    rebuild = providers.Singleton(RebuildUsers, state_writer, fold_from_log, event_log, metrics, wake)
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
        phrases=embed_phrases,
        rebuild=rebuild,
        recipe=recipe,
        clock=clock,
        metrics=metrics,
    )
    catch_up_in_turn = providers.Singleton(
        CatchUpInTurn,
        catch_up,
        outbox,
        registry,
        clock,
        settings.provided.catch_up_interval,
        work,
    )
    relay = providers.Singleton(RelayOutbox, outbox, publisher, clock, metrics, tracer)
    run_relay = providers.Singleton(RunRelay, relay, stop, clock, metrics, journal)
    collect_dead_letters = providers.Singleton(CollectDeadLetters, dead_letter_queue, dead_letters, metrics)
    retry_dead_letters = providers.Singleton(
        RetryDeadLetters, dead_letters=dead_letters, log=event_log, outbox=outbox, record=record, clock=clock
    )
    flow = providers.Singleton(
        LookAtFlow, outbox=outbox, dead_letters=dead_letters, queues=queues, store=store, clock=clock
    )
    look_at_queues = providers.Singleton(
        LookAtQueues, queues, outbox, dead_letters, providers.Callable(lambda s: (WORK_QUEUE, *s.fan_out), settings)
    )
    watch_pace = providers.Factory(WatchPace, event_log, clock)
    backlog = providers.Singleton(Backlog, outbox=outbox, dead_letters=dead_letters, clock=clock)
    replay = providers.Singleton(Replay, event_log, outbox)
    stop_workers = providers.Singleton(StopWorkers, registry, ids)
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
    change_recipe = providers.Singleton(
        ChangeRecipe,
        registry=registry,
        recipe=recipe,
        catalogue=catalogue,
        import_products=import_products,
        log=event_log,
        phrases=embed_phrases,
        store=store,
        rebuild=rebuild,
    )
    read_embedding = providers.Singleton(ReadEmbedding, store, event_log, subject_vectors, recipe)
    product_search = providers.Selector(
        searches,
        embedded=providers.Singleton(
            production.embedded_product_search, settings, catalogue, log_id.provider, model, dimensions, clock
        ),
        qdrant=index.product_search,
    )
    nearest = providers.Singleton(NearestProducts, product_search)
    popular = providers.Singleton(PopularProducts, event_log, recipe, clock)
    bought_with = providers.Singleton(
        OptionalSource, providers.Singleton(BoughtWith, co_purchases), Source.BOUGHT_WITH, clock, metrics
    )
    sources = providers.Selector(
        graphs,
        none=providers.Dict({Source.EMBEDDING: nearest, Source.POPULAR: popular}),
        neo4j=providers.Dict({Source.EMBEDDING: nearest, Source.POPULAR: popular, Source.BOUGHT_WITH: bought_with}),
    )
    """Where candidates come from; each knows something that the others do not."""
    read_shopper = providers.Singleton(ReadShopper, store, event_log, recipe)
    pulls = providers.Singleton(StrongestPulls, subject_vectors, recipe, clock)
    recommend = providers.Singleton(Recommend, read_shopper, sources, catalogue, pulls, recipe)
    similar_products = providers.Singleton(FindSimilarProducts, catalogue, product_search)
    neighbours = providers.Singleton(FindNeighbours, store, event_log, recipe)
    explain = providers.Singleton(
        Explain,
        store=store,
        log=event_log,
        catalogue=catalogue,
        vectors=subject_vectors,
        recipe=recipe,
        clock=clock,
    )
    read_material = providers.Singleton(ReadMaterial, event_log, subject_vectors)
    embed_material = providers.Factory(
        EmbedMaterial, embedder, providers.Factory(MemoryPhraseVectors, dimensions), clock, metrics
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

    # The consumers beside the one of the embeddings, a line each.
    _keeping = partial(keeping, event_log=event_log, dead_letters=dead_letters, clock=clock, metrics=metrics)
    _consumer = partial(
        providers.Container,
        ConsumerContainer,
        settings=settings,
        broker=broker,
        topology=topology,
        prefetch=prefetch,
        outbox=outbox,
        registry=registry,
        record=record,
        clock=clock,
        metrics=metrics,
        tracer=tracer,
        proofs=providers.List(),
        chores=providers.List(),
        needs_recipe=False,
    )
    graph_consumer = _consumer(
        name="neo4j",
        queue=GRAPH_QUEUE,
        schema=neo4j_schema,
        proofs=providers.List(
            providers.Singleton(
                Proof,
                verify=providers.Singleton(VerifyGraph, graph, event_log, with_phrases=settings.provided.graph_phrases),
                name="neo4j",
                queue="neo4j",
                kept="edge of the graph",
            )
        ),
        **_keeping(graph, GRAPH_QUEUE),
    )
    index_consumer = _consumer(
        name="qdrant",  # consumers.INDEX
        queue=INDEX_QUEUE,
        schema=index.schema,
        begin=index.schema.provided.prepare,
        proofs=index.proofs,
        chores=index.chores,
        needs_recipe=True,
        apply=index.apply,
        rebuild=index.rebuild,
        catch_up=index.catch_up,
    )


PORTS = (
    "event_log",
    "outbox",
    "message_source",
    "store",
    "catalogue",
    "product_changes",
    "phrase_vectors",
    "product_search",
    "embedder",
    "dead_letters",
    "dead_letter_queue",
    "queues",
    "registry",
    "sample_shop",
    "clock",
    "ids",
    "metrics",
    "tracer",
    "journal",
)
"""The providers of the ports, for `penchant config show`."""
