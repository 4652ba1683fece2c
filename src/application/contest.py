"""Holds rankers against each other on one shelf."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from attrs import define, field

from application.past import Pairs, Past
from application.rankers import Ranker
from application.targets import Shelf
from domain.blend import DEPTH
from domain.decayed_sums import Floats, Integers
from domain.ranking import Mask, Rankings, fused
from domain.ranking_metrics import ranking_metrics

CELLS_AT_ONCE = 2_000_000
"""Scores of one ranker that are held at once: users times products."""


Blends = Mapping[str, Mapping[str, float]]
"""Rankers that are joined by their ranks: by the name of each blend the weights of its sources."""


@define
class Tally:
    """What one ranker reached at one target: each metric of each user, and what was shown to anybody, by k."""

    _metrics: defaultdict[str, list[Floats]] = field(factory=lambda: defaultdict(list))
    _shown: dict[int, Mask] = field(factory=dict)

    def add(self, rankings: Rankings, relevant: Mask, ks: Sequence[int]) -> None:
        """Take the lists of some more users."""
        found = rankings.found(relevant)
        for name, values in ranking_metrics(found, np.count_nonzero(relevant, axis=1), ks).items():
            self._metrics[name].append(values)
        for k in ks:
            shown = rankings.shown(k)
            self._shown[k] = self._shown[k] | shown if k in self._shown else shown

    @property
    def metrics(self) -> Mapping[str, Floats]:
        """Each metric by its name, one number a user."""
        return {name: np.concatenate(values) for name, values in self._metrics.items()}

    @property
    def coverage(self) -> Mapping[int, float]:
        """The part of the candidates that is among the first k of anybody, by k."""
        return {k: float(shown.mean()) for k, shown in self._shown.items()}


Tallies = Mapping[str, Mapping[str, Tally]]
"""By the name of the target, by that of the ranker."""


def hold(
    past: Past,
    shelf: Shelf,
    rankers: Mapping[str, Ranker],
    blends: Blends,
    ks: Sequence[int],
    on_users: Callable[[int], None],
) -> Tallies:
    """Let all rankers rank for all users of the shelf, some users at a time."""
    tallies: dict[str, defaultdict[str, Tally]] = {name: defaultdict(Tally) for name in shelf.targets}
    for users in blocks(shelf.users, len(past.candidates)):
        relevant = {name: pairs.mask(users) for name, pairs in shelf.targets.items()}
        for ranker, rankings in rank(past, shelf, rankers, blends, users):
            for target, mask in relevant.items():
                tallies[target][ranker].add(rankings, mask, ks)
        on_users(len(users))
    return tallies


def rank(
    past: Past, shelf: Shelf, rankers: Mapping[str, Ranker], blends: Blends, users: Integers
) -> Iterator[tuple[str, Rankings]]:
    """The lists of each ranker, and then of each blend, by name."""
    allowed = shelf.allowed(past, users)
    sources = set().union(*blends.values())
    kept: dict[str, Rankings] = {}
    for name, ranker in rankers.items():
        rankings = Rankings.of(ranker(users), allowed)
        if name in sources:
            kept[name] = rankings.top(DEPTH)
        yield name, rankings
    for name, weights in blends.items():
        yield name, Rankings.of(fused(kept, weights), allowed)


def blocks(users: Integers, width: int) -> Iterator[Integers]:
    """Some users at a time, so many that the scores of all products stay small."""
    size = max(1, CELLS_AT_ONCE // width)
    return (users[start : start + size] for start in range(0, len(users), size))


def count_relevant(pairs: Pairs, users: Integers) -> int:
    """How many relevant products these users have."""
    return int(np.isin(pairs.users, users).sum())
