"""What lies between the blend and the best single ranker, as numbers and as a sentence."""

import numpy as np
import pytest

from application.contenders import BLEND, WITHOUT_GRAPH
from application.contest import Tally
from application.evaluation import Lead, TargetScores
from application.past import Pairs
from application.score_tallies import Draw, score
from application.targets import DISCOVERIES, Shelf
from domain.blend import Source
from domain.bootstrap import Estimate
from domain.ranking import Rankings
from entrypoints.cli.evaluation_report import lead_sentence

USERS = 30
DRAW = Draw(seed=1, resamples=300)


def _tally(places: list[int]) -> Tally:
    """What a ranker reaches that puts the one relevant of four products at these places, user by user."""
    scores = np.tile([0.0, 3.0, 2.0, 1.0], (USERS, 1))
    scores[:, 0] = [4.5 - place for place in places]
    relevant = np.tile([True, False, False, False], (USERS, 1))
    tally = Tally()
    tally.add(Rankings.of(scores, np.ones(scores.shape, dtype=bool)), relevant, (1, 2))
    return tally


def _scores(**places: list[int]) -> TargetScores:
    pairs = Pairs(users=np.arange(USERS), products=np.zeros(USERS, dtype=np.int64), width=4)
    shelf = Shelf(of_bought=False, users=pairs.users, targets={DISCOVERIES: pairs})
    return score(DISCOVERIES, shelf, {name: _tally(of_users) for name, of_users in places.items()}, DRAW)


def test_the_blend_is_compared_with_the_best_metric_by_metric() -> None:
    often_first = [1] * 15 + [4] * 15
    scores = _scores(**{Source.POPULAR: [2] * USERS, "often first": often_first, BLEND: [1] * USERS})

    assert scores.blend["MRR"].over == "often first"
    assert scores.blend["MRR"].difference.value == pytest.approx(1 - (1 + 0.25) / 2)
    assert scores.blend["hit rate@2"].over == Source.POPULAR
    assert scores.blend["MRR"].apart
    assert not scores.blend["hit rate@2"].apart


@pytest.mark.parametrize(("other", "served"), [(WITHOUT_GRAPH, BLEND), (BLEND, WITHOUT_GRAPH)])
def test_a_blend_is_never_held_against_the_other_one(other: str, served: str) -> None:
    scores = _scores(**{Source.POPULAR: [3] * USERS, other: [1] * USERS, served: [2] * USERS})

    assert scores.blend["MRR"].over == Source.POPULAR
    assert scores.blend["MRR"].difference.value == pytest.approx(1 / 2 - 1 / 3)


def test_differences_are_taken_user_by_user() -> None:
    mixed = [1, 2, 3] * 10
    scores = _scores(**{Source.POPULAR: [place + 1 for place in mixed], BLEND: mixed})

    blend = scores.rankers[-1]

    assert blend.over_popularity["MRR"].value == pytest.approx((1 / 2 + 1 / 6 + 1 / 12) / 3)
    assert blend.over_popularity["MRR"].low > 0
    assert scores.rankers[0].over_popularity["MRR"] == Estimate(value=0.0, low=0.0, high=0.0)


@pytest.mark.parametrize(
    ("low", "high", "apart", "said"),
    [
        (0.01, 0.03, True, "the blend is better than the best single ranker, graph (+0.0200 MRR, 95% +0.010…+0.030)."),
        (0.01, 0.03, False, "intervals overlap, the difference user by user does not reach zero)."),
        (-0.01, 0.05, False, "the blend is not shown to be better than graph alone"),
        (-0.05, -0.01, True, "graph alone is better than the blend"),
    ],
)
def test_the_sentence_claims_no_more_than_the_interval_does(low: float, high: float, apart: bool, said: str) -> None:
    difference = Estimate(value=(low + high) / 2, low=low, high=high)

    assert said in lead_sentence("discoveries", BLEND, Lead(over="graph", difference=difference, apart=apart))
