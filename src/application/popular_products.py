"""What everybody has had to do with lately, the most popular first."""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock

import numpy as np

from application.ports.event_log import DailyCount, EventLog
from application.ports.system import Clock
from application.shopper import Shopper, Wanted
from domain.blend import Blend
from domain.instant import EPOCH
from domain.popularity import ENOUGH, fading_popularity, window
from domain.recipe import Recipe

KEPT_SECONDS = 60.0
"""For so long what was read is good enough: it changes by the day, and reading it takes longer than all else."""


class PopularProducts:
    """Ranks by popularity: the live interactions by the weight of their type, fading by the day."""

    def __init__(self, log: EventLog, recipe: Recipe, blend: Blend, clock: Clock) -> None:
        self._log = log
        self._recipe = recipe
        self._decay = blend.popularity
        self._clock = clock
        self._lock = Lock()
        self._kept: tuple[float, Sequence[str]] | None = None

    def __call__(self, shopper: Shopper, wanted: Wanted) -> Sequence[str]:
        return wanted.of(self.ranking())

    def ranking(self) -> Sequence[str]:
        """All products that anybody had to do with, the most popular first; equal ones by id."""
        with self._lock:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= KEPT_SECONDS:
                self._kept = (self._clock.monotonic(), self._read())
            return self._kept[1]

    def _read(self) -> Sequence[str]:
        now = self._clock.now()
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
        return [ids[number] for number in np.argsort(-scores, kind="stable")]
