"""Popularity: what everybody has had to do with lately, each interaction fading by the day."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from threading import Lock

from application.ports.event_log import EventLog
from application.ports.system import Clock
from application.shopper import Shopper, Wanted
from domain.recipe import Recipe

HALF_LIFE_DAYS = 7.0
WINDOW = timedelta(days=56)
"""What is older counts less than half a percent, and is not read."""
ENOUGH = 200
"""So many products are a ranking; only for a shop with fewer is the whole log counted."""
KEPT_SECONDS = 60.0
"""For so long what was read is good enough: it changes by the day, and reading it takes longer than all else."""


class PopularProducts:
    """Ranks by the sum of weight of the type * 0.5 ** (age / HALF_LIFE_DAYS) over all live interactions of WINDOW.

    Where that are few products, all others follow by how often anything ever happened with them.
    """

    def __init__(self, log: EventLog, recipe: Recipe, clock: Clock) -> None:
        self._log = log
        self._recipe = recipe
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
        recent = _ranked(self._recent())
        if len(recent) >= ENOUGH:
            return recent
        before = _ranked(self._log.product_counts())
        return list(dict.fromkeys([*recent, *before]))

    def _recent(self) -> Mapping[str, float]:
        now = self._clock.now()
        today: date = now.date()
        scores: dict[str, float] = {}
        for count in self._log.daily_counts(now - WINDOW):
            age_days = max(0, (today - count.day).days)
            fading = math.exp2(-age_days / HALF_LIFE_DAYS)
            score = self._recipe.weights[count.event_type] * count.events * fading
            scores[count.product_id] = scores.get(count.product_id, 0.0) + score
        return scores


def _ranked(scores: Mapping[str, float]) -> Sequence[str]:
    """The ids by score, the largest first; equal ones by id."""
    return sorted(scores, key=lambda product_id: (-scores[product_id], product_id))
