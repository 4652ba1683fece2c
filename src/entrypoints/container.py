"""The container: everything put together, and the consumers of events."""

from dependency_injector import providers

from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE
from application.verify_graph import VerifyGraph
from entrypoints.consumer_container import ConsumerContainer, keeping
from entrypoints.maintenance_container import Maintenance
from entrypoints.proofs import Proof
from entrypoints.reading_container import Reading
from entrypoints.settings import Settings


class Container(Maintenance, Reading):
    """Penchant, put together from its settings. Every part is made at its first use, once.

    Its bases are one container, cut by what it is about.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # The consumers beside the one of the embeddings, a line each.
        self.graph_consumer = keeping(
            self,
            self.graph,
            name="neo4j",
            queue=GRAPH_QUEUE,
            schema=self.neo4j_schema,
            proofs=providers.List(
                providers.Singleton(
                    Proof,
                    verify=providers.Singleton(
                        VerifyGraph, self.graph, self.event_log, with_phrases=self.settings.provided.graph_phrases
                    ),
                    name="neo4j",
                    queue="neo4j",
                    kept="edge of the graph",
                )
            ),
        )
        self.index_consumer = ConsumerContainer(
            self,
            name="qdrant",  # consumers.INDEX
            queue=INDEX_QUEUE,
            schema=self.index_schema,
            begin=self.index_schema.provided.prepare,
            apply=self.follow_embeddings,
            rebuild=self.rebuild_index,
            catch_up=self.catch_up_index,
            proofs=self.index_proofs,
            chores=self.index_chores,
            needs_recipe=True,
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
