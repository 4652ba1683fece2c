"""Adapters that not every process needs. Each is imported when it is asked for: nobody pays for what is not used."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.sql.database import Database, sqlite_url
from application.ports.phrase_vectors import PhraseVectors
from application.ports.product_catalogue import ProductCatalogue
from application.ports.registry import Registry
from application.ports.system import Clock, Ids, Journal, Metrics
from application.ports.tracer import NO_TRACER, Tracer
from application.retry_policy import RetryPolicy
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from adapters.embedded_search.product_search import EmbeddedProductSearch
    from adapters.http.client import ApiClient
    from adapters.limits.rate_limits import RateLimits
    from adapters.mongodb.database import MongoDatabase
    from adapters.mongodb.product_catalogue import MongoProductCatalogue
    from adapters.mongodb.schema import MongoSchema
    from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore
    from adapters.neo4j.co_purchases import Neo4jCoPurchases
    from adapters.neo4j.database import Neo4jDatabase
    from adapters.neo4j.graph import Neo4jGraph
    from adapters.neo4j.schema import Neo4jSchema
    from adapters.openai.embedder import OpenAIEmbedder
    from adapters.prometheus.metrics import PrometheusMetrics
    from adapters.qdrant.index import QdrantIndex
    from adapters.qdrant.product_search import QdrantProductSearch
    from adapters.qdrant.schema import QdrantSchema
    from adapters.qdrant.server import QdrantServer
    from adapters.rabbitmq.broker import Broker
    from adapters.rabbitmq.dead_letter_queue import KombuDeadLetterQueue
    from adapters.rabbitmq.examination import KombuExamination
    from adapters.rabbitmq.installation import KombuInstallation
    from adapters.rabbitmq.message_source import KombuMessageSource
    from adapters.rabbitmq.publisher import KombuPublisher
    from adapters.rabbitmq.queues import KombuQueues
    from adapters.rabbitmq.topology import Topology
    from adapters.redis.phrase_vectors import RedisPhraseVectors
    from adapters.structlog.journal import StructlogJournal

LOG_ID = "log_id"


def database(settings: Settings) -> Iterator[Database]:
    """MySQL where DATABASE_URL says so, else the SQLite file of the embedded parts; closed at the end."""
    if settings.database_url is not None:
        opened = Database(settings.database_url.get_secret_value(), setting="DATABASE_URL")
    else:
        opened = Database(sqlite_url(settings.database_path), setting="PENCHANT_HOME")
    yield opened
    opened.dispose()


def mongodb(settings: Settings) -> "Iterator[MongoDatabase]":
    """The database that MONGODB_URL names; closed at the end."""
    from adapters.mongodb.database import MongoDatabase

    opened = MongoDatabase(_set(settings.mongodb_url), settings.mongodb_database)
    yield opened
    opened.dispose()


def mongodb_store(database: "MongoDatabase", dimensions: int) -> "MongoUserEmbeddingStore":
    """User embeddings in MongoDB."""
    from adapters.mongodb.user_embedding_store import MongoUserEmbeddingStore

    return MongoUserEmbeddingStore(database, dimensions)


def mongodb_catalogue(database: "MongoDatabase", dimensions: int, model: str) -> "MongoProductCatalogue":
    """The catalogue in MongoDB."""
    from adapters.mongodb.product_catalogue import MongoProductCatalogue

    return MongoProductCatalogue(database, dimensions, model)


def mongodb_schema(database: "MongoDatabase", dimensions: int) -> "MongoSchema":
    """Indexes and validators in MongoDB."""
    from adapters.mongodb.schema import MongoSchema

    return MongoSchema(database, dimensions)


def neo4j(settings: Settings) -> "Iterator[Neo4jDatabase]":
    """The database that NEO4J_URL names; closed at the end."""
    from adapters.neo4j.database import Neo4jDatabase

    opened = Neo4jDatabase(_set(settings.neo4j_url))
    yield opened
    opened.dispose()


def neo4j_graph(database: "Neo4jDatabase", with_phrases: bool) -> "Neo4jGraph":
    """The graph in Neo4j."""
    from adapters.neo4j.graph import Neo4jGraph

    return Neo4jGraph(database, with_phrases=with_phrases)


def neo4j_co_purchases(database: "Neo4jDatabase") -> "Neo4jCoPurchases":
    """What the graph knows of what is bought together."""
    from adapters.neo4j.co_purchases import Neo4jCoPurchases

    return Neo4jCoPurchases(database)


def neo4j_schema(database: "Neo4jDatabase") -> "Neo4jSchema":
    """Constraints in Neo4j."""
    from adapters.neo4j.schema import Neo4jSchema

    return Neo4jSchema(database)


def qdrant(settings: Settings) -> "Iterator[QdrantServer]":
    """The server that QDRANT_URL names; closed at the end."""
    from adapters.qdrant.server import QdrantServer

    opened = QdrantServer(_set(settings.qdrant_url))
    yield opened
    opened.dispose()


def qdrant_schema(server: "QdrantServer", model: str, dimensions: int) -> "QdrantSchema":
    """Collections in Qdrant, and which of them are live."""
    from adapters.qdrant.schema import QdrantSchema

    return QdrantSchema(server, model, dimensions)


def qdrant_users(server: "QdrantServer", model: str, dimensions: int) -> "QdrantIndex":
    """The points of users."""
    from adapters.qdrant.collection_plans import USERS
    from adapters.qdrant.index import QdrantIndex

    return QdrantIndex(server, USERS, model, dimensions)


def qdrant_products(server: "QdrantServer", model: str, dimensions: int) -> "QdrantIndex":
    """The points of products."""
    from adapters.qdrant.collection_plans import PRODUCTS
    from adapters.qdrant.index import QdrantIndex

    return QdrantIndex(server, PRODUCTS, model, dimensions)


def qdrant_product_search(server: "QdrantServer", model: str, dimensions: int) -> "QdrantProductSearch":
    """Product search in Qdrant."""
    from adapters.qdrant.product_search import QdrantProductSearch

    return QdrantProductSearch(server, model, dimensions)


def embedded_product_search(
    settings: Settings,
    catalogue: ProductCatalogue,
    log_id: Callable[[], str],
    model: str,
    dimensions: int,
    clock: Clock,
) -> "EmbeddedProductSearch":
    """Product search in this process, on copies in PENCHANT_HOME."""
    from adapters.embedded_search.copies import Copies, folder_name
    from adapters.embedded_search.product_search import EXACT_UP_TO, EmbeddedProductSearch

    def folder() -> Path:
        mongodb = settings.mongodb_database if settings.mongodb_url is not None else None
        return settings.home / "search" / folder_name(log_id(), mongodb, model, dimensions)

    return EmbeddedProductSearch(Copies(catalogue, folder, dimensions, clock, exact_up_to=EXACT_UP_TO))


def log_id(registry: Registry, ids: Ids) -> str:
    """A name that no other log has: what sets the keys of one installation apart from another's on the same Redis."""
    return registry.set_if_absent(LOG_ID, ids.new())


def redis_phrase_vectors(
    stored: PhraseVectors, settings: Settings, log_id: str, dimensions: int, clock: Clock, metrics: Metrics
) -> "RedisPhraseVectors":
    """Redis in front of the stored phrase vectors."""
    from adapters.redis.phrase_vectors import RedisPhraseVectors

    return RedisPhraseVectors(
        stored,
        url=_set(settings.redis_url),
        namespace=log_id,
        dimensions=dimensions,
        ttl_seconds=settings.phrase_cache_ttl_seconds,
        max_phrases=settings.phrase_cache_size,
        clock=clock,
        metrics=metrics,
    )


def prometheus_metrics() -> "PrometheusMetrics":
    """Metrics of this process."""
    from adapters.prometheus.metrics import PrometheusMetrics

    return PrometheusMetrics()


def rate_limiter(settings: Settings, log_id: str, clock: Clock, journal: Journal) -> "RateLimits | None":
    """What counts requests, in Redis where there is one."""
    if settings.rate_limit_per_key is None and settings.rate_limit_per_user is None:
        return None
    from adapters.limits.rate_limits import RateLimits

    return RateLimits(
        per_key=settings.rate_limit_per_key,
        per_user=settings.rate_limit_per_user,
        redis_url=settings.redis_url.get_secret_value() if settings.redis_url is not None else None,
        namespace=log_id,
        clock=clock,
        journal=journal,
    )


def api_client(settings: Settings, url: str) -> "ApiClient":
    """What sends events to a running API."""
    from adapters.http.client import ApiClient

    key = settings.client_key
    return ApiClient(url, key.get_secret_value() if key is not None else None)


def journal() -> "StructlogJournal":
    """What this process tells."""
    from adapters.structlog.journal import StructlogJournal

    return StructlogJournal(pid=os.getpid())


def tracer(journal: Callable[[], Journal]) -> Iterator[Tracer]:
    """Traces, where the standard OTEL_ variables ask for them; sent off at the end."""
    if not any(name.startswith("OTEL_") for name in os.environ):
        yield NO_TRACER
        return
    from adapters.opentelemetry.tracer import OtelTracer, traces_wanted

    if not traces_wanted(os.environ):
        yield NO_TRACER
        return
    opened = OtelTracer(journal())
    yield opened
    opened.close()


def openai_embedder(settings: Settings, clock: Clock) -> "OpenAIEmbedder":
    """OpenAI, or the compatible server that OPENAI_BASE_URL names."""
    from adapters.openai.embedder import OpenAIEmbedder

    return OpenAIEmbedder(
        api_key=_set(settings.openai_api_key),
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        dimensions=settings.openai_dimensions,
        clock=clock,
    )


def broker(settings: Settings) -> "Broker":
    """The broker that RABBITMQ_DSN names."""
    from adapters.rabbitmq.broker import Broker

    return Broker(url=_set(settings.broker_url))


def topology(settings: Settings, retry: RetryPolicy) -> "Topology":
    """What there is on the broker."""
    from adapters.rabbitmq.topology import Topology

    return Topology(
        queue_type=settings.queue_type,
        retry=retry,
        purchases_first=settings.purchases_first,
        fan_out=settings.fan_out,
        fan_out_retry=settings.fan_out_retry,
    )


def installation(broker: "Broker", topology: "Topology") -> "KombuInstallation":
    """What makes it there."""
    from adapters.rabbitmq.installation import KombuInstallation

    return KombuInstallation(broker, topology)


def examination(broker: "Broker", topology: "Topology") -> "KombuExamination":
    """What looks whether all is well there."""
    from adapters.rabbitmq.examination import KombuExamination

    return KombuExamination(broker, topology)


def publisher(broker: "Broker", topology: "Topology") -> "Iterator[KombuPublisher]":
    """Where the relay publishes; closed at the end."""
    from adapters.rabbitmq.publisher import KombuPublisher

    opened = KombuPublisher(broker, topology)
    yield opened
    opened.close()


def message_source(
    broker: "Broker", topology: "Topology", clock: Clock, prefetch: int, settings: Settings, queue: str
) -> "KombuMessageSource":
    """What the workers of a queue take from."""
    from adapters.rabbitmq.message_source import KombuMessageSource

    return KombuMessageSource(
        broker,
        topology,
        clock,
        subscription=topology.subscription(queue),
        prefetch=prefetch,
        max_bytes=settings.max_message_bytes,
    )


def dead_letter_queue(broker: "Broker", topology: "Topology", clock: Clock) -> "Iterator[KombuDeadLetterQueue]":
    """Where the broker keeps the dead; closed at the end."""
    from adapters.rabbitmq.dead_letter_queue import KombuDeadLetterQueue

    opened = KombuDeadLetterQueue(broker, topology, clock)
    yield opened
    opened.close()


def queues(broker: "Broker", topology: "Topology") -> "Iterator[KombuQueues]":
    """What its queues hold; closed at the end."""
    from adapters.rabbitmq.queues import KombuQueues

    opened = KombuQueues(broker, topology)
    yield opened
    opened.close()


def _set(secret: "SecretStr | None") -> str:
    """The value of a setting that the container has found to be set."""
    assert secret is not None  # noqa: S101
    return secret.get_secret_value()
