"""Rankings of many users as arrays, and their metrics as trec_eval has them."""

import numpy as np
import pytest
import pytrec_eval

from domain.rank_fusion import fuse
from domain.ranking import Rankings, fused
from domain.ranking_metrics import ranking_metrics, reciprocal_rank_of

KS = (1, 3, 10, 30)
MEASURES = {"recip_rank": "MRR"} | {
    f"{theirs}_{k}": f"{ours}@{k}"
    for theirs, ours in (("success", "hit rate"), ("recall", "recall"), ("ndcg_cut", "NDCG"))
    for k in KS
}


def _name(column: int) -> str:
    """trec_eval puts the greater name first where scores are equal, and we the first column."""
    return f"p{999 - column}"


def _case(draw: np.random.Generator, users: int = 60, products: int = 40) -> tuple[np.ndarray, ...]:
    """Scores with many ties, in lists that are short or even empty, and one to nine relevant products a user."""
    scores = draw.integers(0, 12, (users, products)).astype(float)
    scores[draw.random(scores.shape) < draw.random((users, 1))] = -np.inf
    relevant = np.zeros(scores.shape, dtype=bool)
    for row in relevant:
        row[draw.choice(products, draw.integers(1, 10), replace=False)] = True
    return scores, draw.random(scores.shape) < 0.9, relevant


@pytest.mark.parametrize("seed", range(5))
def test_all_metrics_equal_those_of_trec_eval(seed: int) -> None:
    scores, allowed, relevant = _case(np.random.default_rng(seed))

    found = Rankings.of(scores, allowed).found(relevant)
    metrics = ranking_metrics(found, relevant.sum(axis=1), KS)
    unsorted = reciprocal_rank_of(np.where(allowed, scores, -np.inf), relevant)

    wanted = {f"u{user}": {_name(int(p)): 1 for p in np.flatnonzero(row)} for user, row in enumerate(relevant)}
    listed = np.where(allowed, scores, -np.inf)
    lists = {
        f"u{user}": {_name(p): score for p, score in enumerate(row.tolist()) if score > -np.inf}
        for user, row in enumerate(listed)
    }
    cuts = ",".join(map(str, KS))
    names = {"recip_rank", f"success.{cuts}", f"recall.{cuts}", f"ndcg_cut.{cuts}"}
    theirs = pytrec_eval.RelevanceEvaluator(wanted, names).evaluate(lists)
    assert any(not row for row in lists.values()) or any(len(row) < 10 for row in lists.values())
    for user in range(len(scores)):
        for their_name, our_name in MEASURES.items():
            expected = theirs.get(f"u{user}", {}).get(their_name, 0.0)  # it leaves out users with an empty list
            assert metrics[our_name][user] == pytest.approx(expected, abs=1e-12), (user, our_name)
    assert unsorted.tolist() == metrics["MRR"].tolist()


def test_equal_scores_come_in_the_order_of_the_columns() -> None:
    rankings = Rankings.of(np.array([[1.0, 2.0, 2.0, -np.inf, 1.0]]), np.array([[True, True, True, True, True]]))

    assert rankings.order[0, :4].tolist() == [1, 2, 0, 4]
    assert rankings.lengths.tolist() == [4]
    assert rankings.ranks().tolist() == rankings.top(9).ranks().tolist() == [[3, 1, 2, np.inf, 4]]
    assert rankings.top(2).ranks().tolist() == [[np.inf, 1, 2, np.inf, np.inf]]


def test_what_is_not_allowed_is_in_no_list() -> None:
    rankings = Rankings.of(np.array([[3.0, 2.0], [3.0, 2.0]]), np.array([[False, True], [False, False]]))

    assert rankings.lengths.tolist() == [1, 0]
    assert rankings.shown(2).tolist() == [False, True]
    assert not rankings.found(np.array([[True, False], [True, True]])).any()


def test_shown_are_the_first_places_of_anybody() -> None:
    scores = np.array([[3.0, 2.0, 1.0, 0.0], [1.0, 3.0, 2.0, 0.0]])

    rankings = Rankings.of(scores, np.ones(scores.shape, dtype=bool))

    assert rankings.shown(1).tolist() == [True, True, False, False]
    assert rankings.shown(2).tolist() == [True, True, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_arrays_are_fused_as_single_rankings_are(seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights = {"near": 1.0, "popular": 0.5, "graph": 2.0}
    cases = {source: _case(draw)[:2] for source in weights}
    rankings = {source: Rankings.of(*case) for source, case in cases.items()}

    together = Rankings.of(fused(rankings, weights), np.ones((60, 40), dtype=bool))

    for user in range(60):
        lists = {
            source: [f"p{p:02}" for p in ranking.order[user, : ranking.lengths[user]]]
            for source, ranking in rankings.items()
        }
        expected = [name for name, _ in fuse(lists, weights)]
        assert [f"p{p:02}" for p in together.order[user, : together.lengths[user]]] == expected


def test_a_source_without_a_weight_takes_no_part() -> None:
    one, other = (Rankings.of(np.array([scores]), np.ones((1, 2), dtype=bool)) for scores in ([1.0, 2.0], [2.0, 1.0]))

    assert fused({"one": one, "other": other}, {"one": 1.0}).argmax() == 1
