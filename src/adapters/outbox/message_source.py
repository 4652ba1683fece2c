"""Deliveries straight from the outbox: no relay, no queue in memory, nothing to lose."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

from application.event_message import as_message
from application.ports.dead_letter_queue import DeadDelivery
from application.ports.dead_letters import DeadLetter, DeadLetters
from application.ports.message_source import Arrival, Capability, Delivery, Settled, Verdict
from application.ports.outbox import Outbox
from application.ports.queues import WORK_QUEUE, QueueState
from application.ports.system import Clock, Stop
from application.retry_policy import RetryPolicy
from domain.errors import UnavailableError

POLL_SECONDS = 0.05


class OutboxMessageSource:
    """Hands out the oldest due rows and deletes them once settled. Two processes may take the same row: harmless."""

    capabilities = frozenset(Capability)

    def __init__(self, outbox: Outbox, dead_letters: DeadLetters, clock: Clock, retry: RetryPolicy, stop: Stop) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._clock = clock
        self._retry = retry
        self._stop = stop

    def receive(self, limit: int, wait_seconds: float = 0.0, linger_seconds: float = 0.0) -> Sequence[Delivery]:
        deadline = self._clock.monotonic() + wait_seconds
        while not (due := self._outbox.due(self._clock.now(), limit)):
            if self._clock.monotonic() >= deadline or self._stop.wait(POLL_SECONDS):
                return due
        if len(due) < limit and linger_seconds > 0:
            self._stop.wait(linger_seconds)
            return self._outbox.due(self._clock.now(), limit)
        return due

    def settle(self, outcomes: Sequence[Settled]) -> None:
        dead = [outcome for outcome in outcomes if self._is_dead(outcome)]
        later = [outcome for outcome in outcomes if outcome.verdict is Verdict.LATER and not self._is_dead(outcome)]
        not_tried = [outcome for outcome in outcomes if outcome.verdict is Verdict.NOT_TRIED]
        if dead:
            self._dead_letters.add([self._letter(outcome) for outcome in dead])
        now = self._clock.now()
        for attempts, some in groupby(sorted(later, key=_attempts), key=_attempts):
            self._outbox.postpone(_tags(some), now + self._retry.delay_after(attempts), now)
        for seconds, some in groupby(sorted(not_tried, key=_pause_seconds), key=_pause_seconds):
            delay = max(timedelta(seconds=seconds), self._retry.delay_after(0))
            self._outbox.postpone(_tags(some), now + delay, now, counted=False)
        kept = set(_tags([*later, *not_tried]))
        self._outbox.delete([tag for tag in _tags(outcomes) if tag not in kept])

    def close(self) -> None:
        """Nothing to do: what is not settled stands in the outbox as before."""

    def _is_dead(self, outcome: Settled) -> bool:
        gave_up = outcome.verdict is Verdict.LATER and self._retry.gives_up_after(outcome.delivery.attempts)
        return gave_up or outcome.verdict is Verdict.DEAD

    def _letter(self, outcome: Settled) -> DeadLetter:
        delivery, now = outcome.delivery, self._clock.now()
        event = delivery.submission.event if isinstance(delivery, Arrival) else delivery.logged.event
        return DeadLetter(
            message_id=event.message_id,
            user_id=event.user_id,
            queue=WORK_QUEUE,
            body=json.dumps(as_message(event), ensure_ascii=False).encode(),
            error_type=type(outcome.error).__name__,
            error_text=str(outcome.error),
            attempts=delivery.attempts + 1,
            first_failed_at=delivery.first_failed_at if delivery.first_failed_at is not None else now,
            last_failed_at=now,
        )


class NoDeadLetterQueue:
    """There is no broker, so the dead go straight to the dead letters and nothing is to be collected."""

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        del limit
        return []

    def forget(self, tags: Collection[int]) -> None:
        """Nothing was handed out."""

    def close(self) -> None:
        """Nothing is open."""


class NoQueues:
    """There is no broker, so there are no queues; what waits is in the outbox."""

    def states(self) -> Mapping[str, QueueState] | None:
        return None


def _tags(outcomes: Iterable[Settled]) -> list[int]:
    return [outcome.delivery.tag for outcome in outcomes]


def _attempts(outcome: Settled) -> int:
    return outcome.delivery.attempts


def _pause_seconds(outcome: Settled) -> float:
    asked = outcome.error.retry_after_seconds if isinstance(outcome.error, UnavailableError) else None
    return asked if asked is not None else 0.0
