"""How good rankings are, one number a user (definitions as of trec_eval).

The relevant products of a user count alike. A list that ends before place k counts as if nothing relevant followed.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from domain.decayed_sums import Floats, Integers
from domain.ranking import Mask, Scores


def ranking_metrics(found: Mask, relevant: Integers, ks: Iterable[int]) -> Mapping[str, Floats]:
    """Every metric by its name, each an ndarray of shape (n,), float64, between 0 and 1.

    Parameters
    ----------
    found : ndarray of shape (n, m), bool: whether each place of each list holds a relevant product.
    relevant : ndarray of shape (n,), int64: how many relevant products there are, at least 1.
    ks : the places that are looked at.
    """
    metrics = {"MRR": reciprocal_rank(found)}
    for k in ks:
        hits = np.count_nonzero(found[:, :k], axis=1)
        metrics[f"hit rate@{k}"] = (hits > 0).astype(np.float64)
        metrics[f"recall@{k}"] = hits / relevant
        metrics[f"NDCG@{k}"] = normalized_gain(found[:, :k], relevant)
    return metrics


def reciprocal_rank(found: Mask) -> Floats:
    """1 / the place of the first relevant product; 0 where the list has none. Its mean is the MRR."""
    ranks = np.argmax(found, axis=1) + 1
    return np.where(found.any(axis=1), 1.0 / ranks, 0.0)


def reciprocal_rank_of(scores: Scores, relevant: Mask) -> Floats:
    """The same of lists by these scores, equal ones in the order of the columns, without sorting them.

    Parameters
    ----------
    scores : ndarray of shape (n, m), float; -inf: not in the list.
    relevant : ndarray of shape (n, m), bool.
    """
    of_relevant = np.where(relevant, scores, -np.inf)
    best = of_relevant.max(axis=1, keepdims=True)
    earlier = np.arange(scores.shape[1]) < of_relevant.argmax(axis=1)[:, None]
    before = np.count_nonzero((scores > best) | ((scores == best) & earlier), axis=1)
    return np.where(best[:, 0] > -np.inf, 1.0 / (before + 1), 0.0)


def normalized_gain(found: Mask, relevant: Integers) -> Floats:
    """Relevant products, discounted by log2(1 + place), against the best order (Järvelin, Kekäläinen, TOIS 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, found.shape[1] + 2))
    ideal = np.concatenate(([0.0], np.cumsum(discounts)))
    gains: Floats = found @ discounts / ideal[np.minimum(relevant, found.shape[1])]
    return gains
