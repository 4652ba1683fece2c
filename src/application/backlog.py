"""The backlog: what waits for somebody to look after it, as `doctor` says it."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen

from application.ports.dead_letters import DeadLetters
from application.ports.examinable import Finding, Health
from application.ports.outbox import Outbox
from application.ports.system import Clock
from domain.errors import PenchantError

PART = "Work"
LATE = timedelta(minutes=10)
"""By then a worker or a relay that runs has taken an event from the outbox, unless it is very far behind."""
LOOKED_AT = 10_000
"""Rows of the outbox that are looked at, the oldest ones."""


@frozen(kw_only=True)
class Backlog:
    """Dead letters, and events that nobody has taken from the outbox. An Examinable."""

    outbox: Outbox
    dead_letters: DeadLetters
    clock: Clock

    def examine(self) -> Sequence[Finding]:
        """As Examinable says."""
        try:
            return [self._outbox(), self._dead_letters()]
        except PenchantError as error:
            return [Finding(part=PART, subject="backlog", health=Health.FAILED, text=str(error))]

    def _outbox(self) -> Finding:
        now = self.clock.now()
        late = [d for d in self.outbox.due(now, LOOKED_AT) if now - d.logged.recorded_at > LATE]
        if not late:
            return Finding(
                part=PART, subject="outbox", health=Health.OK, text=f"It holds {self.outbox.depth():,} events."
            )
        minutes = max(now - d.logged.recorded_at for d in late) / timedelta(minutes=1)
        count = f"{len(late):,}" + (" or more" if len(late) == LOOKED_AT else "")
        text = f"{count} of its events were recorded more than 10 minutes ago, the oldest {minutes:,.0f} minutes ago."
        remedy = "Nobody takes them, or not as fast as they come; a worker does: penchant worker."
        return Finding(part=PART, subject="outbox", health=Health.WARNING, text=text, remedy=remedy)

    def _dead_letters(self) -> Finding:
        newest = self.dead_letters.list(1)
        if not newest:
            return Finding(part=PART, subject="dead letters", health=Health.OK, text="There are none.")
        text = f"{self.dead_letters.count():,} events were given up, the last for {newest[0].error_type}: "
        remedy = "See them by `penchant failed list`; `penchant failed retry` tries them again."
        return Finding(
            part=PART, subject="dead letters", health=Health.WARNING, text=text + newest[0].error_text, remedy=remedy
        )
