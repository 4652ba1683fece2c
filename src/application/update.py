"""Updating: a batch of deliveries becomes one read, one fold and one bulk write of all its users."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from attrs import evolve, frozen

from application.delivered import Delivered
from application.fold_from_log import FoldFromLog
from application.phrases import EmbedPhrases
from application.ports.event_log import EventLog
from application.ports.message_source import Arrival, Delivery, Settled, Verdict
from application.ports.queues import WORK_QUEUE
from application.ports.system import Metrics
from application.state_writer import StateWriter
from application.subject_vectors import ReadSubjectVectors
from domain.applied_positions import AppliedPositions
from domain.errors import PenchantError, TransientError, UnavailableError
from domain.fold import fold
from domain.interaction import Interaction, LoggedEvent
from domain.phrase import normalize_phrase
from domain.recipe import Recipe
from domain.settlement import Settlement, settle
from domain.user_embedding import UNREADABLE, Rounded, UserEmbedding, sums_of
from domain.vectors import SubjectVectors


@frozen(kw_only=True)
class UpdateReport:
    """What a batch came to: the outcome of each delivery, and how many users were rebuilt from the log for it.

    `newly_applied` are those of the deliveries that a stored state has applied now and had not before. `rebuilt` counts
    users by reason. `damaged` are the users whose stored state could not be read, now rebuilt.
    `races_lost` counts states whose write came after another writer's and was computed again.
    """

    outcomes: Sequence[Settled]
    rebuilt: Mapping[str, int]
    newly_applied: Sequence[LoggedEvent] = ()
    damaged: Collection[str] = ()
    races_lost: int = 0


class UpdateUserEmbeddings:
    """Applies deliveries to the stored states, each event once whatever is delivered how often."""

    def __init__(
        self,
        *,
        writer: StateWriter,
        log: EventLog,
        vectors: ReadSubjectVectors,
        phrases: EmbedPhrases,
        fold_from_log: FoldFromLog,
        recipe: Recipe,
        metrics: Metrics,
    ) -> None:
        self._writer = writer
        self._log = log
        self._vectors = vectors
        self._phrases = phrases
        self._fold_from_log = fold_from_log
        self._recipe = recipe
        self._metrics = metrics

    def __call__(self, deliveries: Sequence[Delivery]) -> UpdateReport:
        """Apply `deliveries`. Whatever happens after the return, their effect is stored.

        Raises
        ------
        UnavailableError : a store, the log or the catalogue is out of reach; deliver all of them again.
        TransientError : other writers were always first; deliver all of them again.
        RecipeMismatchError : another recipe has been made active; this process must end.
        """
        failures = self._phrases({phrase for phrase in map(_phrase_of, deliveries) if phrase is not None})
        batch = Delivered(deliveries, self._log)
        attempt = _Attempt({})
        rebuilt: Counter[str] = Counter()
        damaged: set[str] = set()
        lost: list[int] = []

        def compute(stored: Mapping[str, UserEmbedding]) -> Sequence[UserEmbedding]:
            nonlocal attempt
            attempt = _Attempt(stored)
            damaged.update(user_id for user_id, state in stored.items() if state.recipe == UNREADABLE)
            states = self._compute(batch, stored, attempt)
            rebuilt.update(attempt.rebuilt)  # a rebuild whose write lost the race was one, too
            return states

        states = self._writer(batch.users, compute, lost.append)
        for reason, count in rebuilt.items():
            self._metrics.count("penchant_rebuilds_total", count, queue=WORK_QUEUE, reason=reason)
        waiting = [_waits_for_product(delivery, states, attempt.known_products) for delivery in deliveries]
        self._metrics.count("penchant_deliveries_waiting_for_product_total", sum(waiting))
        return UpdateReport(
            outcomes=[
                _outcome(delivery, states, failures, waits) for delivery, waits in zip(deliveries, waiting, strict=True)
            ],
            rebuilt=rebuilt,
            newly_applied=batch.newly_applied(_applied(attempt.stored), _applied(states)),
            damaged=damaged,
            races_lost=sum(lost),
        )

    def _compute(
        self, batch: Delivered, stored: Mapping[str, UserEmbedding], attempt: "_Attempt"
    ) -> Sequence[UserEmbedding]:
        states = {**self._newcomers(batch, stored), **stored}
        vectors = self._vectors(_interactions_not_in(batch, states))
        attempt.known_products = vectors.products
        bases: list[UserEmbedding] = []
        settlements: list[Settlement] = []
        for user_id, events in batch.users.items():
            state = states.get(user_id)
            if state is None or not state.is_of(self._recipe):
                attempt.rebuild(user_id, _reason_to_rebuild(state))
                continue
            settlement = settle(state.applied, events, batch.targets, lambda event: vectors.row_of(event) is not None)
            if settlement.applied == state.applied and user_id in stored:
                continue
            if evolve(state, applied=settlement.applied).misses_too_much:
                attempt.rebuild(user_id, "missing")
                continue
            bases.append(state)
            settlements.append(settlement)
        folded = self._fold(bases, settlements, vectors, attempt)
        empties = [self._writer.empty(user_id, stored.get(user_id)) for user_id in attempt.users]
        return [*folded, *(self._fold_from_log(empties) if empties else ())]

    def _newcomers(self, batch: Delivered, stored: Mapping[str, UserEmbedding]) -> Mapping[str, UserEmbedding]:
        """Empty states of the users without one whose whole log is in the batch: no need to read it again."""
        without = [user_id for user_id in batch.users if user_id not in stored]
        heads = self._log.heads_of(without) if without else {}
        return {
            user_id: self._writer.empty(user_id, None)
            for user_id, head in heads.items()
            if len({logged.position for logged in batch.users[user_id]}) == head
        }

    def _fold(
        self,
        bases: Sequence[UserEmbedding],
        settlements: Sequence[Settlement],
        vectors: SubjectVectors,
        attempt: "_Attempt",
    ) -> Sequence[UserEmbedding]:
        if not bases:
            return []
        effects = [settlement.effects for settlement in settlements]
        rounded = Rounded.of(fold(sums_of(bases, self._recipe), effects, vectors, self._recipe))
        states = []
        for row, (base, settlement) in enumerate(zip(bases, settlements, strict=True)):
            if rounded.inexact[row]:
                attempt.rebuild(base.user_id, "rounding")
            else:
                states.append(rounded.state(row, base, settlement.applied))
        return states


def _interactions_not_in(batch: Delivered, states: Mapping[str, UserEmbedding]) -> list[Interaction]:
    """What may have to be folded: delivered interactions that no state has applied, and all targets."""
    fresh = chain.from_iterable(
        (logged for logged in events if logged.position not in states[user_id].applied)
        for user_id, events in batch.users.items()
        if user_id in states
    )
    return [logged.event for logged in chain(fresh, batch.targets.values()) if isinstance(logged.event, Interaction)]


class _Attempt:
    """What one attempt at a batch found out, from the states as they were stored."""

    def __init__(self, stored: Mapping[str, UserEmbedding]) -> None:
        self.stored = stored
        self.users: list[str] = []
        self.rebuilt: dict[str, int] = {}
        self.known_products: Mapping[str, int] = {}

    def rebuild(self, user_id: str, reason: str) -> None:
        self.users.append(user_id)
        self.rebuilt[reason] = self.rebuilt.get(reason, 0) + 1


def _applied(states: Mapping[str, UserEmbedding]) -> Mapping[str, AppliedPositions]:
    return {user_id: state.applied for user_id, state in states.items()}


def _reason_to_rebuild(state: UserEmbedding | None) -> str:
    if state is None:
        return "new"
    return "unreadable" if state.recipe == UNREADABLE else "recipe"


def _phrase_of(delivery: Delivery) -> str | None:
    event = delivery.logged.event
    if isinstance(event, Interaction) and event.search_phrase is not None:
        return normalize_phrase(event.search_phrase)
    return None


def failed(delivery: Delivery | Arrival, error: PenchantError) -> Settled:
    """What becomes of a delivery that ended in this error."""
    if isinstance(error, UnavailableError):
        return Settled(delivery=delivery, verdict=Verdict.NOT_TRIED, error=error)
    verdict = Verdict.LATER if isinstance(error, TransientError) else Verdict.DEAD
    return Settled(delivery=delivery, verdict=verdict, error=error)


def _outcome(
    delivery: Delivery,
    states: Mapping[str, UserEmbedding],
    failures: Mapping[str, PenchantError],
    waits_for_product: bool,
) -> Settled:
    if waits_for_product or delivery.logged.position in states[delivery.logged.event.user_id].applied:
        return Settled(delivery=delivery, verdict=Verdict.APPLIED)
    phrase = _phrase_of(delivery)
    if phrase is not None and phrase in failures:
        return failed(delivery, failures[phrase])
    return failed(delivery, TransientError("The event could not be applied yet; it is delivered again."))


def _waits_for_product(
    delivery: Delivery, states: Mapping[str, UserEmbedding], known_products: Mapping[str, int]
) -> bool:
    """Whether it is settled and takes effect when its product comes. Known are those of events not applied before."""
    event = delivery.logged.event
    if not isinstance(event, Interaction) or event.product_id is None or event.product_id in known_products:
        return False
    return delivery.logged.position not in states[event.user_id].applied
