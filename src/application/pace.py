"""The pace: how many events a second are recorded and applied, from what the log and the flow show."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from attrs import frozen

from application.beside import begin
from application.flow import Flow
from application.ports.event_log import EventLog
from application.ports.queues import WORK_QUEUE
from application.ports.system import Clock
from domain.errors import PenchantError

WINDOW_SECONDS = 10.0
SHARE = 20
"""A log is counted for a twentieth of the time at most: a large one takes seconds."""


@frozen(kw_only=True)
class Pace:
    """Events a second, over some seconds."""

    recorded_per_second: float
    applied_per_second: float
    freshness_seconds: float | None
    """How long what lags will take at this pace (Little's law); None while nothing is applied."""


@frozen(kw_only=True)
class _Reading:
    at: float
    recorded: int
    lag: int


class WatchPace:
    """Follows the flow. What a worker has in its hands counts as applied, so that a moment's pace is a rough one."""

    def __init__(
        self, log: EventLog, clock: Clock, begin: Callable[[Callable[[], int]], "Future[int]"] = begin
    ) -> None:
        self._log = log
        self._clock = clock
        self._begin = begin
        self._readings: deque[_Reading] = deque()
        self._counting: Future[int] | None = None
        self._begun = (0.0, 0)
        self._ended = 0.0
        self._due = clock.monotonic()

    def __call__(self, flow: Flow, queue: str = WORK_QUEUE) -> Pace | None:
        """The pace of the consumer of `queue`, given how the flow looks now. None until enough was seen."""
        self._take_count()
        now, lag = self._clock.monotonic(), flow.lag_of(queue)
        if self._counting is None and lag is not None and now >= self._due:
            self._begun = (now, lag)
            self._counting = self._begin(self._count)
            self._take_count()
        return self._pace()

    def _count(self) -> int:
        count = self._log.count()
        self._ended = self._clock.monotonic()
        return count

    def _take_count(self) -> None:
        if self._counting is None or not self._counting.done():
            return
        counted, self._counting = self._counting, None
        at, lag = self._begun
        if isinstance(counted.exception(), PenchantError):
            return
        self._due = at + SHARE * (self._ended - at)
        self._readings.append(_Reading(at=at, recorded=counted.result(), lag=lag))
        while len(self._readings) > 2 and at - self._readings[1].at >= WINDOW_SECONDS:
            self._readings.popleft()

    def _pace(self) -> Pace | None:
        if len(self._readings) < 2:
            return None
        first, last = self._readings[0], self._readings[-1]
        seconds = last.at - first.at
        recorded = (last.recorded - first.recorded) / seconds
        applied = max(0.0, recorded - (last.lag - first.lag) / seconds)
        return Pace(
            recorded_per_second=recorded,
            applied_per_second=applied,
            freshness_seconds=last.lag / applied if applied > 0 else None,
        )
