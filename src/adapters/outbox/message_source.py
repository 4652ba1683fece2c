"""Deliveries straight from the outbox: no relay, no queue in memory, nothing to lose."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from attrs import frozen

from application.event_message import as_message
from application.ports.dead_letters import DeadLetter, DeadLetters
from application.ports.message_source import Delivery, Settled, Verdict
from application.ports.outbox import Outbox
from application.ports.system import Clock

QUEUE = "user_embedding_updates"


@frozen(kw_only=True)
class RetryPolicy:
    """How often a delivery is tried again, and after how long: `delay_ms`, then twice that, and so on."""

    max_retries: int = 5
    delay_ms: int = 5_000

    def delay_after(self, attempts: int) -> timedelta:
        """How long to wait after that many failures before this one."""
        return timedelta(milliseconds=self.delay_ms * 2**attempts)


class OutboxMessageSource:
    """Hands out the oldest due rows and deletes them once settled. Two processes may take the same row: harmless."""

    def __init__(self, outbox: Outbox, dead_letters: DeadLetters, clock: Clock, retry: RetryPolicy) -> None:
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._clock = clock
        self._retry = retry

    def receive(self, limit: int) -> Sequence[Delivery]:
        return self._outbox.due(self._clock.now(), limit)

    def settle(self, outcomes: Sequence[Settled]) -> None:
        dead = [outcome for outcome in outcomes if self._is_dead(outcome)]
        later = [outcome for outcome in outcomes if outcome.verdict is Verdict.LATER and not self._is_dead(outcome)]
        if dead:
            self._dead_letters.add([self._letter(outcome) for outcome in dead])
        now = self._clock.now()
        for attempts, some in groupby(sorted(later, key=_attempts), key=_attempts):
            self._outbox.postpone([s.delivery.tag for s in some], now + self._retry.delay_after(attempts), now)
        kept = {outcome.delivery.tag for outcome in later}
        self._outbox.delete([tag for outcome in outcomes if (tag := outcome.delivery.tag) not in kept])

    def _is_dead(self, outcome: Settled) -> bool:
        gave_up = outcome.verdict is Verdict.LATER and outcome.delivery.attempts >= self._retry.max_retries
        return gave_up or outcome.verdict is Verdict.DEAD

    def _letter(self, outcome: Settled) -> DeadLetter:
        delivery, now = outcome.delivery, self._clock.now()
        event = delivery.logged.event
        return DeadLetter(
            message_id=event.message_id,
            user_id=event.user_id,
            queue=QUEUE,
            body=json.dumps(as_message(event), ensure_ascii=False),
            error_type=type(outcome.error).__name__,
            error_text=str(outcome.error),
            attempts=delivery.attempts + 1,
            first_failed_at=delivery.first_failed_at if delivery.first_failed_at is not None else now,
            last_failed_at=now,
        )


def _attempts(outcome: Settled) -> int:
    return outcome.delivery.attempts
