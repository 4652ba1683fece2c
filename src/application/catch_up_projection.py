"""Catching up with a projection: who misses what was recorded long ago is read from the log."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from application.catch_up import DEFAULT_AGE, CatchUpReport
from application.delivered import NOTHING
from application.ports.dead_letters import DeadLetters
from application.ports.event_log import EventLog
from application.ports.projection import Projection
from application.ports.system import Clock, Metrics
from application.project_events import ProjectEvents
from application.rebuild import pages_of_heads
from domain.interaction import LoggedEvent


class CatchUpProjection:
    """Brings what its queue has dropped: because it was full, or too old, or was purged.

    It needs no queue for that. A user who is behind is forgotten and added again from the log.
    """

    def __init__(
        self,
        *,
        projection: Projection,
        project: ProjectEvents,
        log: EventLog,
        dead_letters: DeadLetters,
        clock: Clock,
        metrics: Metrics,
        queue: str,
    ) -> None:
        self._projection = projection
        self._project = project
        self._log = log
        self._dead_letters = dead_letters
        self._clock = clock
        self._metrics = metrics
        self._queue = queue

    def __call__(
        self, older_than: timedelta = DEFAULT_AGE, on_users: Callable[[int], None] = lambda _: None
    ) -> CatchUpReport:
        """Bring every event that is older than that, not applied, and not dead; tell `on_users` of each step."""
        before = self._clock.now() - older_than
        total = CatchUpReport()
        for heads in pages_of_heads(self._log):
            total += self._heal(heads, before)
            on_users(len(heads))
        return total

    def pieces(self) -> Iterator[CatchUpReport]:
        """The same for what is older than DEFAULT_AGE, some users at a time; between them nothing is held open."""
        before = self._clock.now() - DEFAULT_AGE
        return (self._heal(heads, before) for heads in pages_of_heads(self._log))

    def _heal(self, heads: Sequence[tuple[str, int]], before: datetime) -> CatchUpReport:
        """Heal these users, given with the highest position of each."""
        stored = self._projection.applied([user_id for user_id, _ in heads])
        unreadable = [user_id for user_id, applied in stored.items() if applied is None]
        applied = {user_id: known for user_id, known in stored.items() if known is not None}
        behind = [user_id for user_id, head in heads if len(applied.get(user_id, NOTHING)) < head]
        candidates = [user_id for user_id in behind if user_id not in unreadable]
        lost: list[str] = []
        for page in self._log.history(candidates) if candidates else ():
            old = [
                logged
                for logged in page
                if logged.recorded_at <= before and logged.position not in applied.get(logged.event.user_id, NOTHING)
            ]
            lost += [logged.event.user_id for logged in self._alive(old)]
        self._project.rebuild([*unreadable, *lost])
        self._metrics.count("penchant_caught_up_events_total", len(lost), queue=self._queue)
        return CatchUpReport(users=len(set(lost)), events=len(lost), rebuilt=len(unreadable))

    def _alive(self, events: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
        dead = self._dead_letters.among({logged.event.message_id for logged in events}, [self._queue])
        return [logged for logged in events if logged.event.message_id not in dead]
