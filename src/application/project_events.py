"""Projecting: a batch of deliveries becomes one transaction of a projection."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from attrs import field, frozen

from application.delivered import NOTHING, Delivered
from application.fold_from_log import by_user
from application.ports.event_log import EventLog
from application.ports.message_source import Delivery, Settled, Verdict
from application.ports.projection import Projection, ProjectionTransaction
from application.ports.system import Metrics
from application.update import UpdateReport
from domain.applied_positions import AppliedPositions
from domain.errors import LostRaceError
from domain.interaction import Interaction
from domain.settlement import Effect, Settlement, settle, settle_history
from domain.user_embedding import MAX_MISSING_GROWTH

ATTEMPTS = 100
USERS_AT_ONCE = 20
"""Users whose histories go into one transaction of a rebuild, which nobody else can change before it ends."""

Result = TypeVar("Result")


class ProjectEvents:
    """Applies deliveries to a projection, each event once whatever is delivered how often.

    A projection only ever adds. So a user of whom an applied event is taken back, who misses many events, or of whom
    something is stored that makes no sense, is forgotten and added again from the log, inside the same transaction.
    """

    def __init__(self, projection: Projection, log: EventLog, metrics: Metrics, queue: str) -> None:
        self._projection = projection
        self._log = log
        self._metrics = metrics
        self._queue = queue

    def __call__(self, deliveries: Sequence[Delivery]) -> UpdateReport:
        """Apply `deliveries`. Whatever happens after the return, their effect is stored.

        Raises
        ------
        UnavailableError : the projection or the log is out of reach; deliver all of them again.
        LostRaceError : others were always first; deliver all of them again.
        """
        delivered = Delivered(deliveries, self._log)
        lost: list[int] = []
        change = self._transaction(lambda transaction: self._apply(transaction, delivered), lost.append)
        self._count_rebuilds(change.rebuilt)
        return UpdateReport(
            outcomes=[Settled(delivery=delivery, verdict=Verdict.APPLIED) for delivery in deliveries],
            rebuilt=Counter(change.rebuilt.values()),
            newly_applied=delivered.newly_applied(change.before, change.after),
            damaged=[user_id for user_id, reason in change.rebuilt.items() if reason == "unreadable"],
            races_lost=len(lost),
        )

    def rebuild(self, user_ids: Sequence[str]) -> None:
        """Forget these users and add all that the log has of them. Raises as a call does."""
        users = list(dict.fromkeys(user_ids))
        for start in range(0, len(users), USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]
            self._transaction(lambda transaction: self._rebuild_alone(transaction, some))  # noqa: B023  # called at once
            self._count_rebuilds(dict.fromkeys(some, "asked"))

    def _apply(self, transaction: ProjectionTransaction, delivered: Delivered) -> "_Change":
        stored = transaction.lock(delivered.users)
        before = {user_id: applied for user_id, applied in stored.items() if applied is not None}
        change = _Change(before=before)
        effects: list[Effect] = []
        for user_id, events in delivered.users.items():
            applied = before.get(user_id, NOTHING)
            settlement = settle(applied, events, delivered.targets, _always)
            makes_no_sense = user_id in stored and user_id not in before
            if reason := "unreadable" if makes_no_sense else _reason_to_rebuild(settlement):
                change.rebuilt[user_id] = reason
            elif settlement.applied != applied:
                change.after[user_id] = settlement.applied
                effects += settlement.effects
        if effects:
            transaction.add([effect.interaction for effect in effects])
        change.after.update(self._add_from_log(transaction, change.rebuilt))
        if change.after:
            transaction.mark(change.after)
        return change

    def _rebuild_alone(self, transaction: ProjectionTransaction, user_ids: Collection[str]) -> None:
        transaction.lock(user_ids)
        transaction.mark(self._add_from_log(transaction, user_ids))

    def _add_from_log(
        self, transaction: ProjectionTransaction, user_ids: Collection[str]
    ) -> Mapping[str, AppliedPositions]:
        """Forget these users and add their live events; return what that applies. They are locked: the log is read
        after that, so that nothing which somebody else has applied is forgotten."""
        if not user_ids:
            return {}
        transaction.forget(user_ids)
        applied = dict.fromkeys(user_ids, NOTHING)
        for page in self._log.history(user_ids):
            live: list[Interaction] = []
            for user_id, events in by_user(page):
                settlement = settle_history(applied[user_id], events, _always)
                applied[user_id] = settlement.applied
                live += (effect.interaction for effect in settlement.effects)
            transaction.add(live)
        return applied

    def _transaction(
        self, work: Callable[[ProjectionTransaction], Result], on_lost: Callable[[int], None] = lambda _: None
    ) -> Result:
        for _ in range(ATTEMPTS):
            try:
                with self._projection.transaction() as transaction:
                    return work(transaction)
            except LostRaceError:
                self._metrics.count("penchant_write_races_lost_total", queue=self._queue)
                on_lost(1)
        raise LostRaceError(f"Others were first {ATTEMPTS} times in a row; deliver these events again.")

    def _count_rebuilds(self, rebuilt: Mapping[str, str]) -> None:
        for reason, count in Counter(rebuilt.values()).items():
            self._metrics.count("penchant_rebuilds_total", count, queue=self._queue, reason=reason)


@frozen(kw_only=True)
class _Change:
    """What one transaction does: positions before and after, and the users that it adds anew, each with the reason."""

    before: Mapping[str, AppliedPositions]
    after: dict[str, AppliedPositions] = field(factory=dict)
    rebuilt: dict[str, str] = field(factory=dict)


def _reason_to_rebuild(settlement: Settlement) -> str | None:
    if any(effect.sign < 0 for effect in settlement.effects):
        return "retracted"
    return "missing" if settlement.applied.missing_count > MAX_MISSING_GROWTH else None


def _always(_: Interaction) -> bool:
    """Whether an interaction can be applied: no vector is needed for it."""
    return True
