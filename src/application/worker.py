"""The worker: works until it is told to stop or comes to a limit, and pauses while a part is out of reach."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import field, frozen

from application.chores import Chore, Chores
from application.outage import Outage
from application.ports.message_source import Arrival, Capability, Delivery, MessageSource, Verdict
from application.ports.registry import Registry
from application.ports.system import Clock, Journal, Metrics, Process, Stop
from application.stop_workers import stop_mark
from application.work import Work, WorkReport
from domain.errors import InvalidValueError, TransientError

IDLE_SECONDS = 1.0
"""How long an idle worker waits for deliveries before it looks at marks and chores again."""

TELL_SECONDS = 10.0
"""How often a busy worker tells what it has done."""

FAILURES_TOLD = 20
"""Deliveries of a batch that are told one by one when they fail; all of them are counted."""


class StopReason(StrEnum):
    """Why a worker came to its end."""

    ASKED = "asked to stop"
    MARKED = "all workers were asked to stop"
    TIME = "time limit"
    MEMORY = "memory limit"


@frozen(kw_only=True)
class WorkerOptions:
    """How a worker works. None: no limit."""

    batch_size: int
    linger_seconds: float
    time_limit_seconds: float | None = None
    memory_limit_bytes: int | None = None
    where: Mapping[str, str] = field(factory=dict)
    """What it works on, such as the addresses of servers; told at its start."""
    stop_mark: str | None = None
    """The mark of `StopWorkers` that was there when this worker's supervisor started; None: that at its own start."""


class Worker:
    """The loop around `Work`. Between batches it looks whether to end, and does a piece of its chores.

    Parameters
    ----------
    name : how the worker is called in metrics and in the names of actions.
    """

    def __init__(
        self,
        *,
        work: Work,
        source: MessageSource,
        registry: Registry,
        chores: Sequence[Chore],
        stop: Stop,
        process: Process,
        clock: Clock,
        metrics: Metrics,
        journal: Journal,
        name: str = "worker",
    ) -> None:
        self._work = work
        self._source = source
        self._registry = registry
        self._chores = chores
        self._stop = stop
        self._process = process
        self._clock = clock
        self._journal = journal
        self._outage = Outage(name, f"The {name}", "nothing is lost", stop, clock, metrics, journal)
        self._untold = WorkReport()
        self._told_at = clock.monotonic()

    def __call__(self, options: WorkerOptions) -> StopReason:
        """Work to the end, and say why it came. What was received and not settled is given back.

        Raises
        ------
        ConfigurationError : this process cannot go on, such as when another recipe has been made active.
        """
        self._journal.info("worker_started", "The worker has started.", batch_size=options.batch_size, **options.where)
        for missing in sorted(set(Capability) - self._source.capabilities):
            self._journal.warning("capability_missing", f"This transport does not promise: {missing}.")
        try:
            reason = self._run(options)
        finally:
            self._source.close()
        self._tell_counts()
        self._journal.info("worker_stopped", f"The worker has stopped: {reason}.")
        return reason

    def _run(self, options: WorkerOptions) -> StopReason:
        started, taken = self._clock.monotonic(), self._process.memory_bytes()
        if options.memory_limit_bytes is not None and taken >= options.memory_limit_bytes:
            remedy = f"give more: a worker takes {taken / 2**20:,.0f} MiB before its first event"
            raise InvalidValueError("--memory-limit", "would end every worker at its start", remedy)
        chores = Chores(self._chores, self._stop, self._clock, self._journal)
        mark = [options.stop_mark] if options.stop_mark is not None else []
        received: Sequence[Delivery | Arrival] = ()
        while (reason := self._limit_reached(options, started)) is None:
            try:
                if self._is_marked(mark):
                    return StopReason.MARKED
                # What was received before an outage is held and tried again: to give it back would only count against
                # it on brokers that limit deliveries.
                if not received:
                    wait_seconds = 0.0 if chores() else IDLE_SECONDS
                    received = self._source.receive(options.batch_size, wait_seconds, options.linger_seconds)
                report = self._work.apply(received)
                received = ()
            except TransientError as error:
                self._outage.wait_out(error)
                continue
            self._outage.is_over()
            self._tell(report)
        return reason

    def _limit_reached(self, options: WorkerOptions, started: float) -> StopReason | None:
        if self._stop.asked:
            return StopReason.ASKED
        if options.time_limit_seconds is not None and self._clock.monotonic() - started >= options.time_limit_seconds:
            return StopReason.TIME
        if options.memory_limit_bytes is not None and self._process.memory_bytes() >= options.memory_limit_bytes:
            return StopReason.MEMORY
        return None

    def _is_marked(self, first: list[str]) -> bool:
        """Whether the mark is another one than the first, which is kept in `first` once it has been read."""
        mark = stop_mark(self._registry)
        if not first:
            first.append(mark)
        return mark != first[0]

    def _tell(self, report: WorkReport) -> None:
        self._untold += report.without_failures()
        if self._clock.monotonic() - self._told_at >= TELL_SECONDS:
            self._tell_counts()
        for user_id in sorted(report.damaged):
            text = "A stored state could not be read; the user was rebuilt from the log."
            self._journal.warning("state_rebuilt", text, user_id=user_id)
        put_off = Counter(str(o.error) for o in report.failures if o.verdict is Verdict.NOT_TRIED)
        for text, count in put_off.items():
            self._journal.warning("deliveries_put_off", f"Deliveries wait, and nothing is lost: {text}", count=count)
        failures = [outcome for outcome in report.failures if outcome.verdict is not Verdict.NOT_TRIED]
        for outcome in failures[:FAILURES_TOLD]:
            delivery = outcome.delivery
            event = delivery.submission.event if isinstance(delivery, Arrival) else delivery.logged.event
            self._journal.warning(
                "delivery_failed",
                f"A delivery failed: {outcome.error}",
                message_id=event.message_id,
                user_id=event.user_id,
                verdict=outcome.verdict.name.lower(),
                error_type=type(outcome.error).__name__,
                retry_count=delivery.attempts,
            )

    def _tell_counts(self) -> None:
        if self._untold.deliveries:
            counts = {verdict.name.lower(): count for verdict, count in self._untold.verdicts.items()}
            counts |= {"users_rebuilt": self._untold.rebuilt.total(), "write_races_lost": self._untold.races_lost}
            self._journal.info("deliveries_settled", "Deliveries are settled.", **counts)
        self._untold = WorkReport()
        self._told_at = self._clock.monotonic()
