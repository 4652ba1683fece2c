"""Working: what a source hands out is recorded, applied and settled, batch by batch."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from attrs import evolve, field, frozen

from application.ports.message_source import Arrival, Delivery, MessageSource, Settled, Verdict
from application.ports.queues import WORK_QUEUE
from application.ports.system import Clock, Metrics
from application.ports.tracer import NO_TRACER, Tracer
from application.record import Receipt, RecordEvents, RecordStatus
from application.update import UpdateReport, failed
from domain.errors import (
    ConfigurationError,
    PermanentError,
    TargetMissingError,
    TransientError,
    UnavailableError,
    UnexpectedError,
)
from domain.interaction import LoggedEvent

_STATUS = {Verdict.APPLIED: "success", Verdict.LATER: "failed", Verdict.DEAD: "failed"}
"""What a verdict is to those who count messages. One that was not tried has neither failed nor succeeded."""

_Item = TypeVar("_Item", Arrival, Delivery)


class OnOutage(StrEnum):
    """What to do with deliveries while a part that they need is out of reach."""

    WAIT = "wait"
    """Leave them where they are until it is back; no attempt is counted."""
    RETRY = "retry"
    """Count it as an attempt of each, so that they die after the last."""


@frozen(kw_only=True)
class WorkReport:
    """How many deliveries got which verdict, and how many rebuilds that took, by reason."""

    verdicts: Counter[Verdict] = field(factory=Counter)
    rebuilt: Counter[str] = field(factory=Counter)
    failures: tuple[Settled, ...] = ()
    """The outcomes that are not APPLIED."""
    damaged: frozenset[str] = frozenset()
    """Users whose stored state could not be read, and who were rebuilt."""
    races_lost: int = 0
    """States whose write came after another writer's and was computed again."""

    @property
    def deliveries(self) -> int:
        """All deliveries that were settled."""
        return self.verdicts.total()

    def without_failures(self) -> "WorkReport":
        """The same in bounded memory."""
        return evolve(self, failures=())

    def __add__(self, other: "WorkReport") -> "WorkReport":
        return WorkReport(
            verdicts=self.verdicts + other.verdicts,
            rebuilt=self.rebuilt + other.rebuilt,
            failures=self.failures + other.failures,
            damaged=self.damaged | other.damaged,
            races_lost=self.races_lost + other.races_lost,
        )


class Apply(Protocol):
    """What a consumer does with logged events."""

    def __call__(self, deliveries: Sequence[Delivery]) -> UpdateReport:
        """Apply each of them once, whatever is delivered how often; when this returns, the effect is stored.

        Raises
        ------
        UnavailableError : something that this needs is out of reach; deliver all of them again.
        TransientError : it did not work this time; deliver all of them again.
        ConfigurationError : this process cannot go on.
        """


class Work:
    """The inside of every worker.

    Parameters
    ----------
    queue : what the source takes from, for metrics.
    """

    def __init__(
        self,
        *,
        source: MessageSource,
        apply: Apply,
        record: RecordEvents,
        clock: Clock,
        metrics: Metrics,
        queue: str = WORK_QUEUE,
        on_outage: OnOutage = OnOutage.WAIT,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._source = source
        self._apply_each = apply
        self._queue = queue
        self._record = record
        self._clock = clock
        self._metrics = metrics
        self._on_outage = on_outage
        self._tracer = tracer
        self._newest: datetime | None = None

    @property
    def lag(self) -> timedelta:
        """How old the newest was of the deliveries that came last: near zero unless what is on its way is late."""
        return self._clock.now() - self._newest if self._newest is not None else timedelta(0)

    def batch(self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0) -> WorkReport:
        """Receive, apply and settle one batch. Raises as `apply` does."""
        return self.apply(self._source.receive(limit, wait_seconds, linger_seconds))

    def drain(self, limit: int, on_batch: Callable[[int], None] | None = None) -> WorkReport:
        """Work until nothing is due, and tell `on_batch` how many deliveries each batch had."""
        total = WorkReport()
        while (report := self.batch(limit)).deliveries:
            total += report.without_failures()
            if on_batch is not None:
                on_batch(report.deliveries)
        return total

    def apply(self, received: Sequence[Delivery | Arrival]) -> WorkReport:
        """Apply and settle what a source handed out. May be repeated with the same, whatever it raised.

        Raises
        ------
        UnavailableError : a part is out of reach, and the policy is to wait for it; nothing is settled.
        ConfigurationError : this process cannot go on; nothing is settled.
        """
        started = self._clock.monotonic()
        recorded = [item.logged.recorded_at for item in received if isinstance(item, Delivery)]
        self._newest = max(recorded, default=None)
        oldest = min(recorded).timestamp() if recorded else 0.0
        self._metrics.set("penchant_oldest_delivery_timestamp_seconds", oldest, queue=self._queue)
        if not received:
            return WorkReport()
        with self._tracer.span("apply", map(_trace_of, received), deliveries=len(received)):
            return self._apply(received, started)

    def _apply(self, received: Sequence[Delivery | Arrival], started: float) -> WorkReport:
        newly_applied: list[LoggedEvent] = []
        rebuilt: Counter[str] = Counter()
        damaged: set[str] = set()
        races_lost: list[int] = []
        outcomes = self._settle_each(self._admit, [item for item in received if isinstance(item, Arrival)])

        def apply(deliveries: Sequence[Delivery]) -> Sequence[Settled]:
            report = self._apply_each(deliveries)
            newly_applied.extend(report.newly_applied)
            rebuilt.update(report.rebuilt)
            damaged.update(report.damaged)
            races_lost.append(report.races_lost)
            return report.outcomes

        outcomes += self._settle_each(apply, [item for item in received if isinstance(item, Delivery)])
        self._source.settle(outcomes)
        self._measure(outcomes, newly_applied, self._clock.monotonic() - started)
        return WorkReport(
            verdicts=Counter(outcome.verdict for outcome in outcomes),
            rebuilt=rebuilt,
            failures=tuple(outcome for outcome in outcomes if outcome.verdict is not Verdict.APPLIED),
            damaged=frozenset(damaged),
            races_lost=sum(races_lost),
        )

    def _settle_each(
        self, work: Callable[[Sequence[_Item]], Sequence[Settled]], items: Sequence[_Item]
    ) -> list[Settled]:
        """The outcomes of `work` on `items`. What fails for good is looked for by halves, and nothing fails with it."""
        if not items:
            return []
        try:
            return [self._by_policy(outcome) for outcome in work(items)]
        except ConfigurationError:
            raise
        except UnavailableError as error:
            if self._on_outage is OnOutage.WAIT:
                raise
            return [self._by_policy(failed(item, error)) for item in items]
        except TransientError as error:
            return [failed(item, error) for item in items]
        except Exception as error:  # noqa: BLE001  # one event that breaks the program must not stop all others for ever
            if len(items) == 1:
                return [failed(items[0], _as_permanent(error))]
            half = len(items) // 2
            return self._settle_each(work, items[:half]) + self._settle_each(work, items[half:])

    def _admit(self, arrivals: Sequence[Arrival]) -> Sequence[Settled]:
        """Record what comes from elsewhere; it comes back with a position."""
        receipts = self._record([arrival.submission for arrival in arrivals])
        return [_admitted(arrival, receipt) for arrival, receipt in zip(arrivals, receipts, strict=True)]

    def _by_policy(self, outcome: Settled) -> Settled:
        is_outage = outcome.verdict is Verdict.NOT_TRIED and isinstance(outcome.error, UnavailableError)
        counts = is_outage and self._on_outage is OnOutage.RETRY
        return evolve(outcome, verdict=Verdict.LATER) if counts else outcome

    def _measure(self, outcomes: Sequence[Settled], newly_applied: Sequence[LoggedEvent], seconds: float) -> None:
        now = self._clock.now()
        for verdict, count in Counter(outcome.verdict for outcome in outcomes).items():
            self._metrics.count("penchant_deliveries_total", count, queue=self._queue, verdict=verdict.name.lower())
            if (status := _STATUS.get(verdict)) is not None:
                self._metrics.count("messenger_processed_messages_total", count, queue=self._queue, status=status)
        self._metrics.observe("messenger_processing_time_seconds", seconds, len(outcomes), queue=self._queue)
        # Not of those that were applied before: one that is replayed was readable long ago.
        for recorded_at, count in Counter(logged.recorded_at for logged in newly_applied).items():
            seconds = (now - recorded_at).total_seconds()
            self._metrics.observe("penchant_freshness_seconds", seconds, count, queue=self._queue)


def _trace_of(item: Delivery | Arrival) -> str | None:
    return item.submission.trace if isinstance(item, Arrival) else item.logged.trace


def _admitted(arrival: Arrival, receipt: Receipt) -> Settled:
    if receipt.status is not RecordStatus.REFUSED:
        return Settled(delivery=arrival, verdict=Verdict.APPLIED)
    if isinstance(receipt.error, TargetMissingError):  # its event may be on its way and come later
        return Settled(delivery=arrival, verdict=Verdict.LATER, error=receipt.error)
    return Settled(delivery=arrival, verdict=Verdict.DEAD, error=receipt.error)


def _as_permanent(error: Exception) -> PermanentError:
    if isinstance(error, PermanentError):
        return error
    # Only the kind: the text may quote a phrase.
    unexpected = UnexpectedError(f"Penchant failed on this event: {type(error).__name__}. Please report it.")
    unexpected.__cause__ = error
    return unexpected
