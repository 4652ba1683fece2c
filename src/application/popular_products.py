"""What everybody has had to do with lately, the most popular first."""

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Lock

import numpy as np
from attrs import frozen

from application.beside import begin
from application.ports.event_log import DailyCount, EventLog
from application.ports.system import Clock
from application.shopper import Shopper, Wanted
from domain.blend import Blend
from domain.instant import EPOCH
from domain.popularity import ENOUGH, fading_popularity, window
from domain.recipe import Recipe

KEPT_SECONDS = 60.0
"""For so long what was read is as good as new: it changes by the day."""
SPARING = 20
"""So many times as long as it took to read is it kept at the least: in a large log that takes seconds of a core."""
OLD_SECONDS = 3_600.0
"""What has been old for so long is of no use to anybody."""


@frozen(kw_only=True, eq=False)
class _Kept:
    """What was read, and until when it is as good as new."""

    ranking: Sequence[str]
    new_until: float


class PopularProducts:
    """Ranks by popularity: the live interactions by the weight of their type, fading by the day.

    What gets old is read anew beside the calls, which go on with it meanwhile; only the first one waits. Threads may
    share it.
    """

    def __init__(self, log: EventLog, recipe: Recipe, blend: Blend, clock: Clock) -> None:
        self._log = log
        self._recipe = recipe
        self._decay = blend.popularity
        self._clock = clock
        self._lock = Lock()
        self._kept: _Kept | None = None
        self._reading: Future[_Kept] | None = None

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        return wanted.of(self.ranking())

    def ranking(self) -> Sequence[str]:
        """All products that anything speaks for, the most popular first; equal ones by id.

        Raises TransientError when the log is out of reach; where no call has waited for that, the next one does.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._reading is not None and self._reading.done():
                read, self._reading = self._reading, None
                self._kept = read.result()
            if self._kept is None or now >= self._kept.new_until + OLD_SECONDS:
                self._kept = self._read()
            elif now >= self._kept.new_until and self._reading is None:
                self._reading = begin(self._read)
            return self._kept.ranking

    def _read(self) -> _Kept:
        start = self._clock.monotonic()
        ranking = self._ranking_of(self._clock.now())
        end = self._clock.monotonic()
        return _Kept(ranking=ranking, new_until=start + max(KEPT_SECONDS, SPARING * (end - start)))

    def _ranking_of(self, now: datetime) -> Sequence[str]:
        counts = self._log.daily_counts(now - window(self._decay))
        if len({count.product_id for count in counts}) < ENOUGH:
            counts = self._log.daily_counts(EPOCH)
        return self._ranked(counts, now)

    def _ranked(self, counts: Sequence[DailyCount], now: datetime) -> Sequence[str]:
        ids = sorted({count.product_id for count in counts})
        numbers = {product_id: number for number, product_id in enumerate(ids)}
        today = now.date()
        scores = fading_popularity(
            np.array([numbers[count.product_id] for count in counts], dtype=np.int64),
            np.array([self._recipe.weights[count.event_type] * count.events for count in counts], dtype=np.float64),
            np.array([max(0, (today - count.day).days) for count in counts], dtype=np.int64),
            self._decay,
            len(ids),
        )
        ranked = np.argsort(-scores, kind="stable")[: np.count_nonzero(np.isfinite(scores))]
        return [ids[number] for number in ranked]
