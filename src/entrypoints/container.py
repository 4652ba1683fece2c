"""The container: everything put together, and the consumers of events."""

from dependency_injector import providers

from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE
from application.verify_graph import VerifyGraph
from entrypoints.consumer_container import consumer, keeping
from entrypoints.index_container import Index
from entrypoints.maintenance_container import Maintenance
from entrypoints.messaging_container import Messaging
from entrypoints.parts_container import Parts
from entrypoints.proofs import Proof
from entrypoints.reading_container import Reading
from entrypoints.writing_container import Writing


class Container(Parts, Messaging, Index, Writing, Maintenance, Reading):
    """Penchant, put together from its settings. Every part is made at its first use, once.

    Its bases are one container, cut by what it is about: making one copies every provider once, wherever it is named.
    """

    # The consumers beside the one of the embeddings, a line each.
    graph_consumer = consumer(
        name="neo4j",
        queue=GRAPH_QUEUE,
        schema=Parts.neo4j_schema,
        proofs=providers.List(
            providers.Singleton(
                Proof,
                verify=providers.Singleton(
                    VerifyGraph, Parts.graph, Parts.event_log, with_phrases=Parts.settings.provided.graph_phrases
                ),
                name="neo4j",
                queue="neo4j",
                kept="edge of the graph",
            )
        ),
        **keeping(Parts.graph, GRAPH_QUEUE),
    )
    index_consumer = consumer(
        name="qdrant",  # consumers.INDEX
        queue=INDEX_QUEUE,
        schema=Index.index_schema,
        begin=Index.index_schema.provided.prepare,
        proofs=Index.index_proofs,
        chores=Index.index_chores,
        needs_recipe=True,
        apply=Index.follow_embeddings,
        rebuild=Index.rebuild_index,
        catch_up=Index.catch_up_index,
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
