"""From the numbers of each user to means with intervals, and what lies between two rankers."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

from application.contenders import BLEND, WITHOUT_GRAPH
from application.contest import Tally, count_relevant
from application.evaluation import Lead, RankerScore, TargetScores
from application.targets import Shelf
from domain.blend import Source
from domain.bootstrap import Estimate, estimates
from domain.decayed_sums import Integers


@frozen(kw_only=True)
class Draw:
    """How users are drawn for the intervals: the same seed draws the same."""

    seed: int
    resamples: int

    def of(self, users: int) -> Integers:
        """How often each user is drawn: ndarray of shape (resamples, users), int64."""
        return np.random.default_rng(self.seed).multinomial(users, np.full(users, 1 / users), self.resamples)


def score(target: str, shelf: Shelf, tallies: Mapping[str, Tally], draw: Draw) -> TargetScores:
    """The scores of all rankers at one target. The last of them is the blend that is served."""
    resamples = draw.of(len(shelf.users))
    scores = tuple(
        RankerScore(
            name=ranker,
            metrics=estimates_of(tally, resamples),
            over_popularity=estimates_of(tally, resamples, tallies[Source.POPULAR]),
            coverage=tally.coverage,
        )
        for ranker, tally in tallies.items()
    )
    return TargetScores(
        name=target,
        users=len(shelf.users),
        relevant=count_relevant(shelf.targets[target], shelf.users),
        rankers=scores,
        blend=_leads(scores, tallies, resamples),
    )


def estimates_of(tally: Tally, resamples: Integers, beside: Tally | None = None) -> Mapping[str, Estimate]:
    """Each metric by its name, or by how much it is above that of another ranker, user by user."""
    names = list(tally.metrics)
    values = np.stack([tally.metrics[name] for name in names], axis=1)
    if beside is not None:
        values = values - np.stack([beside.metrics[name] for name in names], axis=1)
    return dict(zip(names, estimates(values, resamples), strict=True))


def _leads(scores: Sequence[RankerScore], tallies: Mapping[str, Tally], resamples: Integers) -> Mapping[str, Lead]:
    """The blend against whatever single ranker is best, metric by metric."""
    *others, blend = scores
    single = [score for score in others if score.name not in (BLEND, WITHOUT_GRAPH)]
    leads = {}
    for metric, estimate in blend.metrics.items():
        best = max(single, key=lambda score: score.metrics[metric].value)
        difference = estimates_of(tallies[blend.name], resamples, tallies[best.name])[metric]
        apart = not estimate.overlaps(best.metrics[metric])
        leads[metric] = Lead(over=best.name, difference=difference, apart=apart)
    return leads
