"""Recording: the moment from which an event counts. It is in the log and in the outbox, or nowhere."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from application.event_message import Submission
from application.ports.event_log import EventLog, LogTransaction
from application.ports.system import Clock
from application.ports.tracer import NO_TRACER, Tracer
from domain.errors import (
    ConflictError,
    InvalidValueError,
    LostRaceError,
    PermanentError,
    RetractionRefusedError,
    TargetMissingError,
    TransientError,
)
from domain.interaction import Event, LoggedEvent, Retraction

MAX_AHEAD = timedelta(minutes=5)
"""How far ahead of our clock a sender's clock may be."""

ATTEMPTS = 20


def check_not_ahead(event: Event, now: datetime) -> None:
    """Raise InvalidValueError for an event further ahead of our clock than MAX_AHEAD."""
    if event.occurred_at - now > MAX_AHEAD:
        raise InvalidValueError("occurred_at", "is in the future", "set the sender's clock")


class RecordStatus(StrEnum):
    """What became of a submission."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    REFUSED = "refused"


@frozen(kw_only=True)
class Receipt:
    """The answer to one submission.

    `logged` is the event in the log; for a repeat the first of its kind. `error` is set where it was refused.
    """

    message_id: str
    status: RecordStatus
    logged: LoggedEvent | None = None
    error: PermanentError | None = None


class RecordEvents:
    """Records events: all that are accepted in one transaction, each refused one with its reason."""

    def __init__(self, log: EventLog, clock: Clock, tracer: Tracer = NO_TRACER) -> None:
        self._log = log
        self._clock = clock
        self._tracer = tracer

    def __call__(self, submissions: Sequence[Submission]) -> Sequence[Receipt]:
        """Record `submissions` in this order and return a receipt for each.

        A message id or a retraction that is in the log already, with the same content, is a repeat and changes nothing.

        Raises
        ------
        TransientError : the log cannot be written now; nothing was recorded.
        """
        with self._tracer.span("record", (s.trace for s in submissions), events=len(submissions)) as span:
            return self._record_at_last(submissions, span.trace)

    def _record_at_last(self, submissions: Sequence[Submission], trace: str | None) -> Sequence[Receipt]:
        for _ in range(ATTEMPTS):
            try:
                with self._log.transaction() as transaction:
                    return self._record(transaction, submissions, trace)
            except LostRaceError:
                continue
        raise TransientError(f"The log was too busy to record {len(submissions)} events; send them again.")

    def _record(
        self, transaction: LogTransaction, submissions: Sequence[Submission], trace: str | None
    ) -> Sequence[Receipt]:
        admission = _Admission(transaction, submissions)
        now = self._clock.now()
        decisions = [admission.decide(submission, now) for submission in submissions]
        traces = [own if own is not None else trace for own in admission.traces]
        logged = transaction.append(admission.accepted, now, traces if any(traces) else ())
        return [
            Receipt(message_id=decision.message_id, status=decision.status, logged=logged[decision.logged])
            if isinstance(decision, _AtIndex)
            else decision
            for decision in decisions
        ]


@frozen
class _AtIndex:
    """A receipt whose event is the one accepted as number `logged`, once it is in the log."""

    message_id: str
    status: RecordStatus
    logged: int


class _Admission:
    """Which submissions are new, which are repeats, which are refused; within one transaction."""

    def __init__(self, transaction: LogTransaction, submissions: Sequence[Submission]) -> None:
        events = [submission.event for submission in submissions]
        targets = {event.retracts for event in events if isinstance(event, Retraction)}
        self._logged = transaction.find({event.message_id for event in events} | targets)
        self._retractions: dict[str, LoggedEvent | int] = dict(transaction.retractions_of(targets)) if targets else {}
        self._pending: dict[str, int] = {}
        self.accepted: list[Event] = []
        self.traces: list[str | None] = []
        """What each of these belongs to."""

    def decide(self, submission: Submission, now: datetime) -> Receipt | _AtIndex:
        """Accept the submission's event as a new one, or say why not."""
        event = submission.event
        earlier = self._find(event.message_id)
        if earlier is not None:
            sent = event if submission.time_given else evolve(event, occurred_at=earlier.occurred_at)
            if sent != earlier:
                problem = f"{event.message_id!r} was recorded before with other content"
                remedy = "send the same fields again, or another event with a new id"
                return _refused(event, ConflictError("message_id", problem, remedy))
            return _repeated(event, self._first(event.message_id))
        try:
            check_not_ahead(event, now)
        except InvalidValueError as error:
            return _refused(event, error)
        if isinstance(event, Retraction):
            target = self._find(event.retracts)
            if target is None:
                return _refused(event, TargetMissingError("retracts", _no_event_of(event), "record that event first"))
            if target.user_id != event.user_id:
                return _refused(event, RetractionRefusedError("retracts", _no_event_of(event), "send the right user"))
            if isinstance(target, Retraction):
                problem, remedy = f"{event.retracts!r} names a retraction", "only an interaction can be taken back"
                return _refused(event, RetractionRefusedError("retracts", problem, remedy))
            if event.retracts in self._retractions:
                return _repeated(event, self._retractions[event.retracts])
            self._retractions[event.retracts] = len(self.accepted)
        index = len(self.accepted)
        self._pending[event.message_id] = index
        self.accepted.append(event)
        self.traces.append(submission.trace)
        return _AtIndex(event.message_id, RecordStatus.RECORDED, index)

    def _first(self, message_id: str) -> LoggedEvent | int:
        return self._logged[message_id] if message_id in self._logged else self._pending[message_id]

    def _find(self, message_id: str) -> Event | None:
        if message_id in self._logged:
            return self._logged[message_id].event
        return self.accepted[self._pending[message_id]] if message_id in self._pending else None


def _repeated(event: Event, first: LoggedEvent | int) -> Receipt | _AtIndex:
    if isinstance(first, int):
        return _AtIndex(event.message_id, RecordStatus.REPEATED, first)
    return Receipt(message_id=event.message_id, status=RecordStatus.REPEATED, logged=first)


def _no_event_of(retraction: Retraction) -> str:
    return f"{retraction.retracts!r} names no event of user {retraction.user_id!r}"


def _refused(event: Event, error: PermanentError) -> Receipt:
    return Receipt(message_id=event.message_id, status=RecordStatus.REFUSED, error=error)
