"""What is read out of the embeddings: profiles, recommendations and their measurement."""

from dependency_injector import providers

from adapters.memory.product_catalogue import MemoryPhraseVectors
from application.candidates import BoughtWith, NearestProducts
from application.explain import Explain
from application.filter_products import FilterProducts
from application.neighbours import FindNeighbours
from application.optional_source import OptionalSource
from application.popular_products import PopularProducts
from application.pulls import StrongestPulls
from application.read_embedding import ReadEmbedding
from application.read_material import EmbedMaterial, ReadMaterial
from application.recommend import Recommend
from application.shopper import ReadShopper
from application.similar_products import FindSimilarProducts
from domain.blend import Source
from entrypoints import production
from entrypoints.index_container import Index
from entrypoints.settings import Settings


class Reading(Index):
    """Nothing here writes."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.read_embedding = providers.Singleton(
            ReadEmbedding, self.store, self.event_log, self.subject_vectors, self.recipe
        )
        self.product_search = providers.Selector(
            self.searches,
            embedded=providers.Singleton(
                production.embedded_product_search,
                self.settings,
                self.catalogue,
                self.log_id.provider,
                self.model,
                self.dimensions,
                self.clock,
            ),
            qdrant=self.index_search,
        )
        self.nearest = providers.Singleton(NearestProducts, self.product_search)
        self.blend = self.settings.provided.blend
        self.popular = providers.Singleton(PopularProducts, self.event_log, self.recipe, self.blend, self.clock)
        self.bought_with = providers.Singleton(
            OptionalSource,
            providers.Singleton(BoughtWith, self.co_purchases, self.blend, self.clock),
            Source.BOUGHT_WITH,
            self.clock,
            self.metrics,
        )
        self.sources = providers.Selector(
            self.graphs,
            none=providers.Dict({Source.EMBEDDING: self.nearest, Source.POPULAR: self.popular}),
            neo4j=providers.Dict(
                {Source.EMBEDDING: self.nearest, Source.POPULAR: self.popular, Source.BOUGHT_WITH: self.bought_with}
            ),
        )
        """Where candidates come from; each knows something that the others do not."""
        self.read_shopper = providers.Singleton(ReadShopper, self.store, self.event_log, self.recipe)
        self.pulls = providers.Singleton(StrongestPulls, self.subject_vectors, self.recipe, self.clock)
        self.recommend = providers.Singleton(
            Recommend, self.read_shopper, self.sources, self.catalogue, self.pulls, self.recipe, self.blend
        )
        self.filter_products = providers.Singleton(FilterProducts, self.catalogue)
        self.similar_products = providers.Singleton(FindSimilarProducts, self.catalogue, self.product_search)
        self.neighbours = providers.Singleton(FindNeighbours, self.store, self.event_log, self.recipe)
        self.explain = providers.Singleton(
            Explain,
            store=self.store,
            log=self.event_log,
            catalogue=self.catalogue,
            vectors=self.subject_vectors,
            recipe=self.recipe,
            clock=self.clock,
        )
        self.read_material = providers.Singleton(ReadMaterial, self.event_log, self.subject_vectors)
        self.embed_material = providers.Factory(
            EmbedMaterial,
            self.embedder,
            providers.Factory(MemoryPhraseVectors, self.dimensions),
            self.clock,
            self.metrics,
        )
