"""What operators do with dead letters: try them again, or forget them."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from attrs import evolve, frozen

from application.event_message import Submission, parse_event
from application.ports.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters
from application.ports.event_log import EventLog
from application.ports.outbox import Outbox
from application.ports.system import Clock
from application.record import RecordEvents, RecordStatus
from domain.errors import InvalidValueError, PermanentError
from domain.interaction import LoggedEvent

PAGE = 50
"""Few, because their bodies may be large."""


@frozen(kw_only=True)
class RetryReport:
    """How many dead letters are on their way again, and how many could not be and stay, with their new reason."""

    retried: int = 0
    refused: int = 0

    def __add__(self, other: "RetryReport") -> "RetryReport":
        return RetryReport(retried=self.retried + other.retried, refused=self.refused + other.refused)


class RetryDeadLetters:
    """Sends dead letters on their way again.

    One whose event is in the log goes into the outbox; positions see to it that it counts once however often that is
    done. Any other came from elsewhere and is recorded as if it had just arrived; what is refused again stays.
    """

    def __init__(
        self, *, dead_letters: DeadLetters, log: EventLog, outbox: Outbox, record: RecordEvents, clock: Clock
    ) -> None:
        self._dead_letters = dead_letters
        self._log = log
        self._outbox = outbox
        self._record = record
        self._clock = clock

    def __call__(self, matching: DeadLetterFilter, on_letters: Callable[[int], None] | None = None) -> RetryReport:
        """Retry all that match and died before now; tell `on_letters` how many each step did."""
        now = self._clock.now()
        before = min(now, matching.failed_before) if matching.failed_before is not None else now
        report = RetryReport()
        for letters in self._dead_letters.pages(evolve(matching, failed_before=before), PAGE):
            report += self._retry(letters, now)
            if on_letters is not None:
                on_letters(len(letters))
        return report

    def _retry(self, letters: Sequence[DeadLetter], now: datetime) -> RetryReport:
        found = self._log.find({letter.message_id for letter in letters})
        elsewhere = [x for x in letters if x.message_id not in found or _differs(x, found[x.message_id])]
        others = {letter.message_id for letter in elsewhere}
        self._outbox.add([logged for message_id, logged in found.items() if message_id not in others])
        refused = self._record_anew(elsewhere, now)
        self._dead_letters.add(refused)
        stay = {(letter.queue, letter.message_id) for letter in refused}
        gone: dict[str, list[str]] = {}
        for letter in letters:
            if (letter.queue, letter.message_id) not in stay:
                gone.setdefault(letter.queue, []).append(letter.message_id)
        # Last: whoever dies before this has retried what stays, which is harmless.
        for queue, message_ids in gone.items():
            self._dead_letters.remove(queue, message_ids)
        return RetryReport(retried=len(letters) - len(refused), refused=len(refused))

    def _record_anew(self, letters: Collection[DeadLetter], now: datetime) -> list[DeadLetter]:
        """Record the events of these; return those that are refused, with the reason."""
        refused: list[DeadLetter] = []
        submissions: list[tuple[DeadLetter, Submission]] = []
        for letter in letters:
            try:
                submissions.append((letter, _submission_of(letter)))
            except PermanentError as error:
                refused.append(_failed_again(letter, error, now))
        receipts = self._record([submission for _, submission in submissions]) if submissions else []
        for (letter, _), receipt in zip(submissions, receipts, strict=True):
            if receipt.status is RecordStatus.REFUSED and receipt.error is not None:
                refused.append(_failed_again(letter, receipt.error, now))
        return refused


def _submission_of(letter: DeadLetter) -> Submission:
    try:
        message = json.loads(letter.body)
    except ValueError as error:
        raise InvalidValueError("body", "is not JSON", "purge it, and mend its sender") from error
    if not isinstance(message, dict):
        raise InvalidValueError("body", "is not an object", "purge it, and mend its sender")
    usable_id = None if letter.message_id.startswith("body-") else letter.message_id
    return parse_event(message, now=letter.first_failed_at, message_id=usable_id)


def _differs(letter: DeadLetter, logged: LoggedEvent) -> bool:
    """Whether the letter holds another event than the one that is in the log under its message id."""
    try:
        submission = _submission_of(letter)
    except PermanentError:
        return False  # cut, perhaps: the log has the whole of it
    sent = submission.event
    return sent != (logged.event if submission.time_given else evolve(logged.event, occurred_at=sent.occurred_at))


def _failed_again(letter: DeadLetter, error: PermanentError, now: datetime) -> DeadLetter:
    return evolve(
        letter,
        error_type=type(error).__name__,
        error_text=str(error),
        attempts=letter.attempts + 1,
        last_failed_at=now,
    )
