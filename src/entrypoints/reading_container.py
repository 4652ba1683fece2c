"""What is read out of the embeddings: profiles, recommendations and their measurement."""

from dependency_injector import containers, providers

from adapters.memory.product_catalogue import MemoryPhraseVectors
from application.candidates import BoughtWith, NearestProducts
from application.explain import Explain
from application.neighbours import FindNeighbours
from application.optional_source import OptionalSource
from application.popular_products import PopularProducts
from application.pulls import StrongestPulls
from application.read_embedding import ReadEmbedding
from application.read_material import EmbedMaterial, ReadMaterial
from application.recommend import Recommend, Source
from application.shopper import ReadShopper
from application.similar_products import FindSimilarProducts
from entrypoints import production
from entrypoints.index_container import Index
from entrypoints.parts_container import Parts


class Reading(containers.DeclarativeContainer):
    """Nothing here writes."""

    read_embedding = providers.Singleton(
        ReadEmbedding, Parts.store, Parts.event_log, Parts.subject_vectors, Parts.recipe
    )
    product_search = providers.Selector(
        Parts.searches,
        embedded=providers.Singleton(
            production.embedded_product_search,
            Parts.settings,
            Parts.catalogue,
            Parts.log_id.provider,
            Parts.model,
            Parts.dimensions,
            Parts.clock,
        ),
        qdrant=Index.index_search,
    )
    nearest = providers.Singleton(NearestProducts, product_search)
    popular = providers.Singleton(PopularProducts, Parts.event_log, Parts.recipe, Parts.clock)
    bought_with = providers.Singleton(
        OptionalSource,
        providers.Singleton(BoughtWith, Parts.co_purchases),
        Source.BOUGHT_WITH,
        Parts.clock,
        Parts.metrics,
    )
    sources = providers.Selector(
        Parts.graphs,
        none=providers.Dict({Source.EMBEDDING: nearest, Source.POPULAR: popular}),
        neo4j=providers.Dict({Source.EMBEDDING: nearest, Source.POPULAR: popular, Source.BOUGHT_WITH: bought_with}),
    )
    """Where candidates come from; each knows something that the others do not."""
    read_shopper = providers.Singleton(ReadShopper, Parts.store, Parts.event_log, Parts.recipe)
    pulls = providers.Singleton(StrongestPulls, Parts.subject_vectors, Parts.recipe, Parts.clock)
    recommend = providers.Singleton(Recommend, read_shopper, sources, Parts.catalogue, pulls, Parts.recipe)
    similar_products = providers.Singleton(FindSimilarProducts, Parts.catalogue, product_search)
    neighbours = providers.Singleton(FindNeighbours, Parts.store, Parts.event_log, Parts.recipe)
    explain = providers.Singleton(
        Explain,
        store=Parts.store,
        log=Parts.event_log,
        catalogue=Parts.catalogue,
        vectors=Parts.subject_vectors,
        recipe=Parts.recipe,
        clock=Parts.clock,
    )
    read_material = providers.Singleton(ReadMaterial, Parts.event_log, Parts.subject_vectors)
    embed_material = providers.Factory(
        EmbedMaterial,
        Parts.embedder,
        providers.Factory(MemoryPhraseVectors, Parts.dimensions),
        Parts.clock,
        Parts.metrics,
    )
