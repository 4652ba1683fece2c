"""A whole shop in memory: the storage that processes share, and the use cases of one process on it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from attrs import define, field

from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.embedder import HashingEmbedder
from adapters.memory.event_log import MemoryDatabase, MemoryEventLog, MemoryOutbox
from adapters.memory.product_catalogue import MemoryPhraseVectors, MemoryProductCatalogue, MemoryProductChanges
from adapters.memory.product_search import MemoryProductSearch
from adapters.memory.registry import MemoryRegistry
from adapters.memory.system import CountingIds, CountingMetrics, ManualClock, ManualStop
from adapters.memory.user_embedding_store import MemoryUserEmbeddingStore
from adapters.outbox.message_source import OutboxMessageSource
from application.active_recipe import adopt_recipe
from application.candidates import NearestProducts
from application.catch_up import CatchUp
from application.change_recipe import ChangeRecipe
from application.dead_letter_office import RetryDeadLetters
from application.explain import Explain
from application.fold_from_log import FoldFromLog
from application.import_products import ImportProducts
from application.neighbours import FindNeighbours
from application.phrases import EmbedPhrases
from application.popular_products import PopularProducts
from application.ports.message_source import MessageSource
from application.pulls import StrongestPulls
from application.rebuild import RebuildUsers
from application.recommend import Recommend
from application.record import Receipt, RecordEvents
from application.replay import Replay
from application.retry_policy import RetryPolicy
from application.shopper import CandidateSource, ReadShopper
from application.similar_products import FindSimilarProducts
from application.state_writer import StateWriter
from application.stats import CountEverything
from application.subject_vectors import ReadSubjectVectors
from application.update import UpdateUserEmbeddings
from application.verify import VerifyUsers
from application.work import OnOutage, Work, WorkReport
from domain.blend import Blend, Source
from domain.errors import PermanentError, TransientError, UnavailableError
from domain.interaction import Event
from domain.recipe import Recipe
from domain.user_embedding import UserEmbedding
from tests.builders import NOW, products, submitted

DIMENSIONS = 8
RECIPE = Recipe(model=f"hashing-{DIMENSIONS}", dimensions=DIMENSIONS)
BLEND = Blend()


class UnreliableEmbedder(HashingEmbedder):
    """An embedder that is `down` for a while, refuses texts that hold one of `refused`, and has 0 for `meaningless`."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self.down = False
        self.unavailable = False
        self.refused: set[str] = set()
        self.meaningless: set[str] = set()
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.calls += 1
        if self.down:
            raise TransientError("The embedding service does not answer; try again.")
        if self.unavailable:
            raise UnavailableError("The embedding service is away; it is tried again.")
        if any(word in text for word in self.refused for text in texts):
            raise PermanentError("The embedding service refuses one of these texts.")
        return super().embed(texts) * [[text not in self.meaningless] for text in texts]


@define(kw_only=True, eq=False)
class Storage:
    """Everything that outlives a process."""

    database: MemoryDatabase = field(factory=MemoryDatabase)
    store: MemoryUserEmbeddingStore = field(factory=MemoryUserEmbeddingStore)
    catalogue: MemoryProductCatalogue = field(factory=lambda: MemoryProductCatalogue(DIMENSIONS, RECIPE.model))
    changes: MemoryProductChanges = field(factory=MemoryProductChanges)
    phrase_vectors: MemoryPhraseVectors = field(factory=lambda: MemoryPhraseVectors(DIMENSIONS))
    registry: MemoryRegistry = field(factory=MemoryRegistry)
    dead_letters: MemoryDeadLetters = field(factory=MemoryDeadLetters)
    embedder: UnreliableEmbedder = field(factory=lambda: UnreliableEmbedder(DIMENSIONS))
    clock: ManualClock = field(factory=lambda: ManualClock(NOW))
    ids: CountingIds = field(factory=CountingIds)

    @property
    def log(self) -> MemoryEventLog:
        """The event log."""
        return MemoryEventLog(self.database)

    @property
    def outbox(self) -> MemoryOutbox:
        """The outbox beside the log."""
        return MemoryOutbox(self.database)


class Shop:
    """One process: every use case, wired on a storage. `through` may put something between it and each port."""

    def __init__(
        self,
        storage: Storage | None = None,
        recipe: Recipe = RECIPE,
        adopt: bool = True,
        blend: Blend = BLEND,
        through: Callable[[Any], Any] = lambda port: port,
    ) -> None:
        self.storage = storage = storage if storage is not None else Storage()
        self.recipe = recipe
        self.metrics = CountingMetrics()
        self.clock, self.embedder = storage.clock, storage.embedder
        self.log, self.outbox, self.store = through(storage.log), through(storage.outbox), through(storage.store)
        self.catalogue, self.changes = through(storage.catalogue), through(storage.changes)
        self.phrase_vectors, self.dead_letters = through(storage.phrase_vectors), through(storage.dead_letters)
        self.registry = through(storage.registry)
        clock, embedder = self.clock, through(storage.embedder)
        if adopt:
            adopt_recipe(storage.registry, recipe)

        vectors = ReadSubjectVectors(self.catalogue, self.phrase_vectors, recipe.model)
        self.writer = StateWriter(self.store, self.registry, recipe, clock, storage.ids, self.metrics)
        fold_from_log = FoldFromLog(self.log, vectors, recipe)
        self.record_events = RecordEvents(self.log, clock)
        self.rebuild = RebuildUsers(self.writer, fold_from_log, self.log, self.metrics)
        phrases = EmbedPhrases(embedder, self.phrase_vectors, clock, self.metrics)
        self.update = UpdateUserEmbeddings(
            writer=self.writer,
            log=self.log,
            vectors=vectors,
            phrases=phrases,
            fold_from_log=fold_from_log,
            recipe=recipe,
            metrics=self.metrics,
        )
        self.import_products = ImportProducts(
            catalogue=self.catalogue,
            changes=self.changes,
            embedder=embedder,
            log=self.log,
            outbox=self.outbox,
            rebuild=self.rebuild,
            clock=clock,
        )
        self.catch_up = CatchUp(
            log=self.log,
            outbox=self.outbox,
            store=self.store,
            catalogue=self.catalogue,
            dead_letters=self.dead_letters,
            phrases=phrases,
            rebuild=self.rebuild,
            recipe=recipe,
            clock=clock,
            metrics=self.metrics,
        )
        self.verify = VerifyUsers(
            store=self.store,
            log=self.log,
            catalogue=self.catalogue,
            changes=self.changes,
            vectors=vectors,
            recipe=recipe,
        )
        self.change_recipe = ChangeRecipe(
            registry=self.registry,
            recipe=recipe,
            catalogue=self.catalogue,
            import_products=self.import_products,
            log=self.log,
            phrases=phrases,
            store=self.store,
            rebuild=self.rebuild,
        )
        self.retry_dead_letters = RetryDeadLetters(
            dead_letters=self.dead_letters,
            log=self.log,
            outbox=self.outbox,
            record=self.record_events,
            clock=clock,
        )
        self.replay = Replay(self.log, self.outbox)
        self.explain = Explain(
            store=self.store, log=self.log, catalogue=self.catalogue, vectors=vectors, recipe=recipe, clock=clock
        )
        self.sources: dict[Source, CandidateSource] = {
            Source.EMBEDDING: NearestProducts(MemoryProductSearch(self.catalogue)),
            Source.POPULAR: PopularProducts(self.log, recipe, blend, clock),
        }
        self.recommend = Recommend(
            ReadShopper(self.store, self.log, recipe),
            self.sources,
            self.catalogue,
            StrongestPulls(vectors, recipe, clock),
            recipe,
            blend,
        )
        self.similar_products = FindSimilarProducts(self.catalogue, MemoryProductSearch(self.catalogue))
        self.neighbours = FindNeighbours(self.store, self.log, recipe)
        self.stats = CountEverything(
            log=self.log,
            outbox=self.outbox,
            store=self.store,
            catalogue=self.catalogue,
            changes=self.changes,
            dead_letters=self.dead_letters,
        )

    def source(self, retry: RetryPolicy | None = None) -> OutboxMessageSource:
        """The outbox as a message source."""
        policy = retry if retry is not None else RetryPolicy.doubling()
        return OutboxMessageSource(self.outbox, self.dead_letters, self.clock, policy, ManualStop(self.storage.clock))

    def worker(self, source: MessageSource | None = None, on_outage: OnOutage = OnOutage.WAIT) -> Work:
        """The inside of a worker on `source`; on the outbox, if none is given."""
        return Work(
            source=source if source is not None else self.source(),
            apply=self.update,
            record=self.record_events,
            clock=self.clock,
            metrics=self.metrics,
            on_outage=on_outage,
        )

    def stock(self, **texts: str) -> None:
        """Bring products into the catalogue: stock(tea="green tea")."""
        self.import_products(products(**texts))

    def record(self, *events: Event) -> Sequence[Receipt]:
        """Record events."""
        return self.record_events(submitted(*events))

    def work(self, batch_size: int = 100) -> WorkReport:
        """Apply whatever is due in the outbox."""
        return self.worker().drain(batch_size)

    def apply(self, *events: Event) -> None:
        """Record events and apply them."""
        self.record(*events)
        self.work()

    def state(self, user_id: str = "ann") -> UserEmbedding:
        """The stored state of a user."""
        return self.storage.store.states[user_id]
