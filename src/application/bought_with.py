"""The graph as a ranker: products that were bought by people who bought what the user bought last."""

import numpy as np
import numpy.typing as npt
from attrs import frozen

from application.past import Past
from application.ports.co_purchases import BUYERS
from application.rankers import Ranker
from domain.blend import BASKET
from domain.decay import Decay
from domain.decayed_sums import Integers
from domain.ranking import Mask, Scores

MOST_PRODUCTS = 8_000
"""So many of the most bought products are looked at: the matrix of all pairs of these takes 256 MB."""
USERS_AT_ONCE = 1_000

Floats32 = npt.NDArray[np.float32]


@frozen(kw_only=True, eq=False)
class LastPurchases:
    """The last purchase of each product by each user.

    Parameters
    ----------
    users, products : ndarray of shape (n,), int64: each pair once, the products as places in `columns`.
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

    def rows(self, values: Floats32, users: Integers) -> Floats32:
        """A value of each purchase by these users (ascending): ndarray of shape (len(users), p), float32."""
        chosen = np.isin(self.users, users)
        rows = np.zeros((len(users), len(self.columns)), dtype=np.float32)
        rows[np.searchsorted(users, self.users[chosen]), self.products[chosen]] = values[chosen]
        return rows

    def counts(self, chosen: Mask | None = None) -> Integers:
        """How many purchases (of the chosen ones) each product has: ndarray of shape (p,), int64."""
        products = self.products if chosen is None else self.products[chosen]
        return np.bincount(products, minlength=len(self.columns))


def bought_with(past: Past, decay: Decay) -> Ranker:
    """What `application.ports.co_purchases` says of the last BASKET products that the user bought.

    Without decay it is about the cosine of the buyers (Sarwar, Karypis, Konstan, Riedl, WWW 2001). A product that
    shares no buyer is not in the list.
    """
    purchases = LastPurchases.of(past)
    similarities = _similarities(purchases, decay)
    in_basket = purchases.last_of_each(purchases.users, BASKET).astype(np.float32)

    def score(users: Integers) -> Scores:
        sums = purchases.rows(in_basket, users) @ similarities
        scores = np.full((len(users), len(past.candidates)), -np.inf, dtype=np.float32)
        scores[:, purchases.columns] = np.where(sums > 0, sums, -np.inf)
        return scores

    return score


def _most_frequent(products: Integers) -> Integers:
    present, counts = np.unique(products, return_counts=True)
    return present[np.argsort(-counts, kind="stable")[:MOST_PRODUCTS]]


def _similarities(purchases: LastPurchases, decay: Decay) -> Floats32:
    """From what was bought (rows) to what goes with it (columns), none with itself: shape (p, p), float32."""
    left = decay.factors(purchases.ages_us).astype(np.float32)
    is_last = purchases.last_of_each(purchases.products, BUYERS)
    left_of_last = np.where(is_last, left, np.float32(0))
    matrix = np.zeros((len(purchases.columns), len(purchases.columns)), dtype=np.float32)
    users = np.unique(purchases.users)
    for start in range(0, len(users), USERS_AT_ONCE):
        some = users[start : start + USERS_AT_ONCE]
        matrix += purchases.rows(left_of_last, some).T @ purchases.rows(left, some)
    matrix /= np.sqrt(purchases.counts(is_last))[:, None]
    matrix /= np.sqrt(purchases.counts())
    np.fill_diagonal(matrix, 0.0)
    return matrix
