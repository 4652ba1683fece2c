"""Verifying: what is stored, held against a fold of exactly the events that it says it has applied."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from attrs import evolve, frozen

from application.fold_from_log import interactions_of
from application.fold_of_applied import FoldOfApplied, Mismatch
from application.ports.event_log import EventLog
from application.ports.product_catalogue import ProductCatalogue
from application.ports.product_changes import ProductChanges
from application.ports.user_embedding_store import UserEmbeddingStore
from application.rebuild import pages_of_everybody
from application.subject_vectors import ReadSubjectVectors
from domain.recipe import Recipe
from domain.user_embedding import UNREADABLE, UserEmbedding

LOOKS = 3
"""How often a user that differs is looked at again while the state changes under our eyes."""


@frozen(kw_only=True)
class VerifyReport:
    """What verify found.

    `lag` counts events that are recorded but not applied and wait for nothing, and users with a product change under
    way; `waiting` counts events whose product is not in the catalogue. `max_error` is the largest |s - s'| / |s|.
    """

    users: int = 0
    events: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    max_error: float = 0.0
    lag: int = 0
    waiting: int = 0

    def __add__(self, other: "VerifyReport") -> "VerifyReport":
        return VerifyReport(
            users=self.users + other.users,
            events=self.events + other.events,
            mismatches=self.mismatches + other.mismatches,
            max_error=max(self.max_error, other.max_error),
            lag=self.lag + other.lag,
            waiting=self.waiting + other.waiting,
        )


class VerifyUsers:
    """Compares stored states with the log while everything goes on."""

    def __init__(
        self,
        *,
        store: UserEmbeddingStore,
        log: EventLog,
        catalogue: ProductCatalogue,
        changes: ProductChanges,
        vectors: ReadSubjectVectors,
        recipe: Recipe,
    ) -> None:
        self._store = store
        self._log = log
        self._catalogue = catalogue
        self._changes = changes
        self._vectors = vectors
        self._recipe = recipe

    def __call__(self, user_ids: Collection[str]) -> VerifyReport:
        """Verify these users. A user without any event and without a state is counted and right."""
        report, moving = self._look(list(dict.fromkeys(user_ids)))
        sure = [mismatch for mismatch in report.mismatches if mismatch.user_id not in moving]
        max_error = report.max_error
        for _ in range(LOOKS - 1):
            if moving:
                again, moving = self._look(sorted(moving))
                sure += [mismatch for mismatch in again.mismatches if mismatch.user_id not in moving]
                max_error = max(max_error, again.max_error)
        return evolve(
            report,
            mismatches=tuple(sure),
            max_error=max([max_error, *(mismatch.error for mismatch in sure)]),
            lag=report.lag + len(moving),
        )

    def all(self, on_users: Callable[[int], None] | None = None) -> VerifyReport:
        """Verify every user that is in the log or in the store; tell `on_users` how many each step did."""
        report = VerifyReport()
        for some in self.pages():
            report += self(some)
            if on_users is not None:
                on_users(len(some))
        return report

    def pages(self) -> Iterator[Sequence[str]]:
        """Every user that is in the log or in the store, some at a time."""
        return pages_of_everybody(self._log, self._store)

    def _moved_or_changing(self, suspects: Sequence[str], states: Mapping[str, UserEmbedding]) -> Collection[str]:
        """The suspects whose state has been written since it was read, or whose products are changing now."""
        if not suspects:
            return ()
        # In this order: a change that is over by the first of these reads has rewritten its users before the second.
        changing = self._changes.product_ids()
        again = self._store.read(suspects)
        moved = {user_id for user_id in suspects if _write_id(again, user_id) != _write_id(states, user_id)}
        return moved | (set(self._log.users_of_products(changing)) & set(suspects) if changing else set())

    def _makes_no_sense(self, state: UserEmbedding) -> bool:
        """Whether it is of our recipe, or of none, and yet nothing that we could have stored."""
        return state.recipe in (self._recipe.id, UNREADABLE) and not state.is_of(self._recipe)

    def _look(self, user_ids: Sequence[str]) -> tuple[VerifyReport, Collection[str]]:
        """What these users are like, and which of the mismatches may only be so because their state moves now."""
        states = self._store.read(user_ids)
        comparable = [
            states[user_id] for user_id in user_ids if user_id in states and states[user_id].is_of(self._recipe)
        ]
        fold_of_applied = FoldOfApplied(comparable, self._recipe)
        waiting: dict[str, int] = {}
        events = unapplied = 0
        for page in self._log.history(user_ids):
            events += len(page)
            for product_id in fold_of_applied.add(page, self._vectors(interactions_of(page))):
                unapplied += 1
                if product_id is not None:
                    waiting[product_id] = waiting.get(product_id, 0) + 1
        for_product = sum(waiting[product_id] for product_id in self._catalogue.unknown(waiting))
        mismatches, max_error = fold_of_applied.compare()
        mismatches += tuple(
            Mismatch(user_id=user_id, reason="has a stored state that cannot be read", error=1.0)
            for user_id in user_ids
            if user_id in states and self._makes_no_sense(states[user_id])
        )
        report = VerifyReport(
            users=len(user_ids),
            events=events,
            mismatches=mismatches,
            max_error=max_error,
            lag=unapplied - for_product,
            waiting=for_product,
        )
        return report, self._moved_or_changing([mismatch.user_id for mismatch in mismatches], states)


def _write_id(states: Mapping[str, UserEmbedding], user_id: str) -> str | None:
    return states[user_id].write_id if user_id in states else None
