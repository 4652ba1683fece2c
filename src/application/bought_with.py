"""The graph as a ranker: products that were bought by people who bought what the user bought last."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from application.past import Past, joined_ranges, ranges_of
from application.ports.co_purchases import BUYERS
from application.rankers import Ranker
from domain.blend import BASKET
from domain.decay import Decay
from domain.decayed_sums import Floats, Integers
from domain.ranking import Mask, Scores

MOST_PRODUCTS = 8_000
"""So many of the most bought products are looked at: the matrix of all pairs of these takes 256 MB."""
USERS_AT_ONCE = 1_000
MANY = 1 / 24
"""Who bought more than this part of all products is summed by matrix products, which are faster from about here on."""

Floats32 = npt.NDArray[np.float32]


@frozen(kw_only=True, eq=False)
class LastPurchases:
    """The last purchase of each product by each user.

    Parameters
    ----------
    users, products : ndarray of shape (n,), int64: each pair once, by user and product; the products as places in
        `columns`.
    columns : ndarray of shape (p,), int64: the products among the candidates, ascending.
    ages_us : ndarray of shape (n,), int64: how long ago it was.
    order : ndarray of shape (n,), int64: the later, the larger.
    """

    users: Integers
    products: Integers
    ages_us: Integers
    order: Integers
    columns: Integers

    @classmethod
    def of(cls, past: Past) -> "LastPurchases":
        """Those of the past, of the MOST_PRODUCTS products that most users bought."""
        events = past.events.purchases()
        columns = np.searchsorted(past.candidates, events.subjects)
        # They are in the order of time, so that the last of each pair is the first of the reversed ones.
        _, first = np.unique((events.users * len(past.candidates) + columns)[::-1], return_index=True)
        rows = len(events) - 1 - first
        most = np.sort(_most_frequent(columns[rows]))
        rows = rows[np.isin(columns[rows], most)]
        return cls(
            users=events.users[rows],
            products=np.searchsorted(most, columns[rows]),
            ages_us=past.at_us - events.times_us[rows],
            order=rows,
            columns=most,
        )

    def last_of_each(self, groups: Integers, count: int) -> Mask:
        """Whether each is among the last `count` of its group: ndarray of shape (n,), bool."""
        order = np.lexsort((-self.order, groups))
        starts = np.searchsorted(groups[order], groups[order])
        last = np.empty(len(groups), dtype=bool)
        last[order] = np.arange(len(groups)) - starts < count
        return last

    def ranges(self, users: Integers) -> tuple[Integers, Integers]:
        """Where the purchases of each of these users start and end: twice an ndarray of shape (len(users),), int64."""
        return ranges_of(users, self.users)

    def rows(self, values: Floats, users: Integers) -> Floats32:
        """A value of each purchase by these users: ndarray of shape (len(users), p), float32."""
        starts, ends = self.ranges(users)
        theirs = joined_ranges(starts, ends)
        rows = np.zeros((len(users), len(self.columns)), dtype=np.float32)
        rows[np.repeat(np.arange(len(users)), ends - starts), self.products[theirs]] = values[theirs]
        return rows

    def where(self, chosen: Mask) -> "LastPurchases":
        """Those that are chosen: ndarray of shape (n,), bool."""
        return evolve(
            self,
            users=self.users[chosen],
            products=self.products[chosen],
            ages_us=self.ages_us[chosen],
            order=self.order[chosen],
        )

    def counts(self) -> Integers:
        """How many purchases each product has: ndarray of shape (p,), int64."""
        return np.bincount(self.products, minlength=len(self.columns))


def bought_with(past: Past, decay: Decay) -> Ranker:
    """What `application.ports.co_purchases` says of the last BASKET products that the user bought.

    Without decay it is about the cosine of the buyers (Sarwar, Karypis, Konstan, Riedl, WWW 2001). A product that
    shares no buyer is not in the list.
    """
    purchases = LastPurchases.of(past)
    similarities = _similarities(purchases, decay)
    baskets = purchases.where(purchases.last_of_each(purchases.users, BASKET))

    def score(users: Integers) -> Scores:
        scores = np.full((len(users), len(past.candidates)), -np.inf, dtype=np.float32)
        for row, start, end in zip(scores, *baskets.ranges(users), strict=True):
            sums = similarities[baskets.products[start:end]].sum(axis=0)
            row[purchases.columns] = np.where(sums > 0, sums, -np.inf)
        return scores

    return score


def _most_frequent(products: Integers) -> Integers:
    present, counts = np.unique(products, return_counts=True)
    return present[np.argsort(-counts, kind="stable")[:MOST_PRODUCTS]]


def _similarities(purchases: LastPurchases, decay: Decay) -> Floats32:
    """From what was bought (rows) to what goes with it (columns), none with itself: shape (p, p), float32."""
    counts = purchases.counts()
    left = decay.factors(purchases.ages_us)
    is_last = purchases.last_of_each(purchases.products, BUYERS)
    starts, ends = purchases.ranges(purchases.users)
    has_many = ends - starts > MANY * len(counts)
    matrix = _of_many(purchases, left, is_last, np.unique(purchases.users[has_many]))
    _add_of_few(matrix, purchases, left, is_last & ~has_many)
    matrix /= np.sqrt(np.minimum(counts, BUYERS))[:, None]
    matrix /= np.sqrt(counts)
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _of_many(purchases: LastPurchases, left: Floats, is_last: Mask, users: Integers) -> Floats32:
    """What users share who bought many products: shape (p, p), float32."""
    matrix = np.zeros((len(purchases.columns), len(purchases.columns)), dtype=np.float32)
    left_of_last = np.where(is_last, left, 0.0)
    for start in range(0, len(users), USERS_AT_ONCE):
        some = users[start : start + USERS_AT_ONCE]
        matrix += purchases.rows(left_of_last, some).T @ purchases.rows(left, some)
    return matrix


def _add_of_few(matrix: Floats32, purchases: LastPurchases, left: Floats, asked: Mask) -> None:
    """Add what the buyers share whose purchases are asked, product by product: most products they have not bought."""
    rows = np.flatnonzero(asked)
    rows = rows[np.argsort(purchases.products[rows], kind="stable")]
    starts, ends = purchases.ranges(purchases.users[rows])
    of_product = np.searchsorted(purchases.products[rows], np.arange(len(matrix) + 1))
    for row, (first, last) in enumerate(pairwise(of_product.tolist())):
        buyers = slice(first, last)
        theirs = joined_ranges(starts[buyers], ends[buyers])
        shared = np.repeat(left[rows[buyers]], ends[buyers] - starts[buyers]) * left[theirs]
        matrix[row] += np.bincount(purchases.products[theirs], weights=shared, minlength=len(matrix))
