"""Catching up with an index: what was written long ago and is not in it is brought, whatever woke it or did not."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from application.catch_up import DEFAULT_AGE, CatchUpReport
from application.change_recipe import change_under_way
from application.ports.registry import Registry
from application.ports.system import Clock, Journal, Metrics
from application.ports.vector_index import IndexGeneration
from application.sweep import Sweep, Swept
from domain.product import ProductEmbedding
from domain.user_embedding import UserEmbedding


class CatchUpIndex:
    """Compares all that the index follows with its points.

    It needs no queue for that, and heals what a queue has dropped, an index set back to a backup, and collections of a
    new model, which searches find once all is in them: not while the recipe is still changed, because the catalogue and
    the states come to that model little by little.
    """

    def __init__(
        self,
        *,
        products: Sweep[ProductEmbedding],
        users: Sweep[UserEmbedding],
        generation: IndexGeneration,
        registry: Registry,
        clock: Clock,
        metrics: Metrics,
        journal: Journal,
        queue: str,
    ) -> None:
        self._products = products
        self._users = users
        self._generation = generation
        self._registry = registry
        self._clock = clock
        self._metrics = metrics
        self._journal = journal
        self._queue = queue

    def __call__(
        self, older_than: timedelta = DEFAULT_AGE, on_users: Callable[[int], None] = lambda _: None
    ) -> CatchUpReport:
        """Bring everything that was written longer ago than that; of a generation that is not live yet, everything."""
        is_live, is_changing = self._generation.is_live(), change_under_way(self._registry)
        before = self._clock.now() - older_than if is_live else None
        report = sum(self._pieces(before, on_users), CatchUpReport())
        if not is_live and not is_changing:
            self._go_live()
        return report

    def pieces(self) -> Iterator[CatchUpReport]:
        """The same for what is older than DEFAULT_AGE, a piece at a time; between them nothing is held open."""
        return self._pieces(self._clock.now() - DEFAULT_AGE)

    def build(self) -> Iterator[CatchUpReport]:
        """Where searches do not find these collections yet: fill them a piece at a time, and let them be found then."""
        if self._generation.is_live() or change_under_way(self._registry):
            return
        yield from self._pieces(None)
        self._go_live()

    def _go_live(self) -> None:
        self._generation.go_live()
        self._journal.info("index_switched", "Everything is in the collections of this model; searches find them now.")

    def _pieces(
        self, before: datetime | None, on_users: Callable[[int], None] = lambda _: None
    ) -> Iterator[CatchUpReport]:
        for swept in self._products(before):
            yield self._report(swept)
        for swept in self._users(before):
            on_users(swept.rows)
            yield self._report(swept)

    def _report(self, swept: Swept) -> CatchUpReport:
        self._metrics.count("penchant_caught_up_points_total", swept.changed, queue=self._queue)
        return CatchUpReport(points=swept.changed)
