"""Rankings of many users at once: scores become orders and ranks, and several rankings become one."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from attrs import frozen

from domain.decayed_sums import Floats, Integers
from domain.rank_fusion import RANK_CONSTANT, Name

Scores = npt.NDArray[np.floating]
"""Of n users (rows) and m products (columns), the larger the better; -inf: not in the list."""
Mask = npt.NDArray[np.bool_]


@frozen(kw_only=True, eq=False)
class Rankings:
    """The lists of n users.

    Parameters
    ----------
    order : ndarray of shape (n, length), integers: the products, the best first; what is not in the list comes last.
    lengths : ndarray of shape (n,), int64: how many of them are in the list.
    width : how many products there are, m.
    """

    order: npt.NDArray[np.integer]
    lengths: Integers
    width: int

    @classmethod
    def of(cls, scores: Scores, allowed: Mask) -> "Rankings":
        """The allowed products by their scores; equal ones in the order of the columns."""
        keys = np.where(allowed, -scores, np.inf)
        lengths = np.count_nonzero(keys < np.inf, axis=1)
        return cls(order=np.argsort(keys, axis=1, kind="stable"), lengths=lengths, width=scores.shape[1])

    def top(self, depth: int) -> "Rankings":
        """The first `depth` places of each list."""
        return Rankings(
            order=self.order[:, :depth].astype(np.int32), lengths=np.minimum(self.lengths, depth), width=self.width
        )

    def found(self, relevant: Mask) -> Mask:
        """Whether each place of each list holds what is relevant: ndarray of shape (n, length), bool."""
        in_list = np.arange(self.order.shape[1]) < self.lengths[:, None]
        found: Mask = np.take_along_axis(relevant, self.order, axis=1) & in_list
        return found

    def shown(self, k: int) -> Mask:
        """The products that are in the first k places of any list: ndarray of shape (m,), bool."""
        shown = np.zeros(self.width, dtype=bool)
        first = self.order[:, :k]
        shown[first[np.arange(first.shape[1]) < self.lengths[:, None]]] = True
        return shown

    def ranks(self) -> Floats:
        """The place of each product, from 1; inf where it is not in the list: ndarray of shape (n, m), float64."""
        places = np.arange(1, self.order.shape[1] + 1)
        ranks = np.full((len(self.order), self.width), np.inf)
        np.put_along_axis(ranks, self.order, np.where(places <= self.lengths[:, None], places, np.inf), axis=1)
        return ranks


def fused(rankings: Mapping[Name, Rankings], weights: Mapping[Name, float]) -> Scores:
    """Reciprocal rank fusion as `domain.rank_fusion.fuse` has it, of the lists of all users at once.

    Only sources with a weight take part.
    """
    parts = [weight / (RANK_CONSTANT + rankings[source].ranks()) for source, weight in weights.items()]
    total = np.sum(parts, axis=0)
    return np.where(total > 0, total, -np.inf)
