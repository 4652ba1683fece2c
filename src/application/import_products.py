"""Importing products: a new or changed vector reaches every user it concerns, whatever dies in between."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from attrs import frozen

from application.fold_from_log import USERS_AT_ONCE
from application.ports.embedder import Embedder
from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from application.ports.product_catalogue import CataloguePut, ProductCatalogue
from application.ports.product_changes import ProductChange, ProductChanges
from application.ports.system import Clock
from application.rebuild import RebuildUsers
from domain.errors import TransientError
from domain.product import Product, ProductEmbedding
from domain.vectors import Vector, unit_rows

CHANGES_AT_ONCE = 1_000
ATTEMPTS = 10
ABANDONED_AFTER = timedelta(minutes=15)
"""Longer than the users of a thousand products take to rebuild."""


@frozen(kw_only=True)
class ImportReport:
    """How many products were new, changed, or the same as before; and what followed from it."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    events_released: int = 0
    users_rebuilt: int = 0

    def __bool__(self) -> bool:
        """Whether anything was to do."""
        return bool(self.added or self.changed)

    def __add__(self, other: "ImportReport") -> "ImportReport":
        return ImportReport(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            events_released=self.events_released + other.events_released,
            users_rebuilt=self.users_rebuilt + other.users_rebuilt,
        )


class ImportProducts:
    """Changes the catalogue, crash-safe: note the change, store it, tell its users, forget the note (ADR 0006)."""

    def __init__(
        self,
        *,
        catalogue: ProductCatalogue,
        changes: ProductChanges,
        embedder: Embedder,
        log: EventLog,
        outbox: Outbox,
        rebuild: RebuildUsers,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._changes = changes
        self._embedder = embedder
        self._log = log
        self._outbox = outbox
        self._rebuild = rebuild
        self._clock = clock

    def __call__(self, products: Sequence[Product]) -> ImportReport:
        """Bring the catalogue to these products. Of several with the same id the last counts.

        Raises
        ------
        InvalidValueError : a text that has no vector; nothing of this call was stored.
        TransientError : something is out of reach; call again, or `resume`.
        """
        report = self.resume()
        latest = {product.product_id: product for product in products}
        fresh, described = self._differing(latest)
        report += ImportReport(unchanged=len(latest) - len(fresh) - len(described))
        for _ in range(ATTEMPTS):
            if not fresh and not described:
                return report
            report += self._describe(described)
            self._changes.begin(fresh)
            report += self.resume()
            fresh, described = self._differing(latest)
        left = len(fresh) + len(described)
        raise TransientError(f"Other imports kept changing {left} of the same products; import these again.")

    def resume(self) -> ImportReport:
        """Bring every change that has begun to its end."""
        report = ImportReport()
        while changes := self._changes.under_way(CHANGES_AT_ONCE):
            report += sum(self._carry_out(changes), ImportReport())
        return report

    def resume_abandoned(self) -> Iterator[ImportReport]:
        """The same for the changes whose import seems to be gone: those that began more than ABANDONED_AFTER ago.

        Some users at a time; between them nothing is held open, and whoever does not go on leaves it to others.
        """
        before = self._clock.now() - ABANDONED_AFTER
        changes = self._changes.under_way(CHANGES_AT_ONCE)
        abandoned = [change for change in changes if change.put.product.updated_at <= before]
        if abandoned:
            yield from self._carry_out(abandoned)

    def _differing(self, latest: Mapping[str, Product]) -> tuple[Sequence[CataloguePut], Sequence[CataloguePut]]:
        """What has to be put so that the catalogue has the `latest` products: with another vector, or with the same."""
        stored = self._catalogue.read(latest)
        kept = {id_: found.embedding for id_, found in stored.items() if self._has_vector_of(latest[id_], found)}
        fresh = [product for product_id, product in latest.items() if product_id not in kept]
        described = [latest[id_] for id_ in kept if latest[id_] != stored[id_].product]
        return self._puts(self._embedded(fresh), stored), self._puts(
            [(p, kept[p.product_id]) for p in described], stored
        )

    def _has_vector_of(self, product: Product, stored: ProductEmbedding) -> bool:
        """Whether what is stored has the vector that this product is to have."""
        is_ours = stored.model == self._embedder.model and stored.embedding.shape == (self._embedder.dimensions,)
        return is_ours and product.is_embedded_as(stored.product)

    def _embedded(self, products: Sequence[Product]) -> Sequence[tuple[Product, Vector]]:
        """These with their vectors: the shop's own, or that of the text."""
        texts = [product.text for product in products if product.vector is None]
        made = iter(unit_rows("text", self._embedder.embed(texts), self._embedder.dimensions) if texts else ())
        return [(product, product.vector if product.vector is not None else next(made)) for product in products]

    def _puts(
        self, products: Sequence[tuple[Product, Vector]], stored: Mapping[str, ProductEmbedding]
    ) -> Sequence[CataloguePut]:
        now = self._clock.now()
        puts = []
        for product, vector in products:
            seen = stored[product.product_id].revision if product.product_id in stored else 0
            changed = ProductEmbedding(
                product=product, embedding=vector, model=self._embedder.model, revision=seen + 1, updated_at=now
            )
            puts.append(CataloguePut(product=changed, expected_revision=seen))
        return puts

    def _describe(self, puts: Sequence[CataloguePut]) -> ImportReport:
        """Put what has the same vector as before: no user has to know."""
        unmatched = self._catalogue.put(puts) if puts else ()
        return ImportReport(changed=len(puts) - len(unmatched))

    def _carry_out(self, changes: Sequence[ProductChange]) -> Iterator[ImportReport]:
        # What does not match was stored before a crash, or by somebody else: rebuilding its users is right in any case.
        unmatched = set(self._catalogue.put([change.put for change in changes]))
        product_ids = {change.put.product.product.product_id for change in changes}
        new = {change.put.product.product.product_id for change in changes if change.put.expected_revision == 0}
        added = new - unmatched
        changed = product_ids - added
        released = 0
        # All that are new: of one that was put before a crash, nobody may have sent the events that wait for it.
        for page in self._log.of_products(new) if new else ():
            self._outbox.add(page)
            released += len(page)
        yield ImportReport(added=len(added), changed=len(changed), events_released=released)
        users = sorted(self._log.users_of_products(changed)) if changed else []
        for start in range(0, len(users), USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]
            self._rebuild.current(some)
            yield ImportReport(users_rebuilt=len(some))
        self._changes.end([change.id for change in changes])
