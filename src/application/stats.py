"""Counting: what there is, and what is on its way."""

from attrs import frozen

from application.ports.dead_letters import DeadLetters
from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_changes import ProductChanges
from application.ports.user_embedding_store import UserEmbeddingStore

PRODUCTS_NAMED = 10


@frozen(kw_only=True)
class Stats:
    """Counts, each as of about now.

    `waiting_events` are those whose product is not in the catalogue; they take effect when it comes.
    `waiting_product_ids` are the ones that most events wait for, the first of them.
    """

    events: int
    users: int
    user_embeddings: int
    products: int
    outbox: int
    waiting_events: int
    waiting_products: int
    waiting_product_ids: tuple[str, ...]
    product_changes: int
    dead_letters: int


class CountEverything:
    """Asks each part how much it holds."""

    def __init__(
        self,
        *,
        log: EventLog,
        outbox: Outbox,
        store: UserEmbeddingStore,
        catalogue: ProductCatalogue,
        changes: ProductChanges,
        dead_letters: DeadLetters,
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._store = store
        self._catalogue = catalogue
        self._changes = changes
        self._dead_letters = dead_letters

    def __call__(self) -> Stats:
        """The counts."""
        of_products = self._log.product_counts()
        unknown = self._catalogue.unknown(of_products)
        return Stats(
            events=self._log.count(),
            users=self._log.user_count(),
            user_embeddings=self._store.count(),
            products=self._catalogue.count(),
            outbox=self._outbox.depth(),
            waiting_events=sum(of_products[product_id] for product_id in unknown),
            waiting_products=len(unknown),
            waiting_product_ids=tuple(sorted(unknown, key=lambda p: (-of_products[p], p))[:PRODUCTS_NAMED]),
            product_changes=len(self._changes.product_ids()),
            dead_letters=self._dead_letters.count(),
        )
