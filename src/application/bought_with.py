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
    users, products : ndarray of shape (n,), int64: each pair once, the products below `width`.
    ages_us : ndarray of shape (n,), int64: how long ago it was.
    order : ndarray of shape (n,), int64: the later, the larger.
    """

    users: Integers
    products: Integers
    ages_us: Integers
    order: Integers
    width: int

    @classmethod
    def of(cls, past: Past) -> "LastPurchases":
        """Those of the past, of the MOST_PRODUCTS products that most users bought."""
        events = past.events.purchases()
        columns = np.searchsorted(past.candidates, events.subjects)
        # They are in the order of time, so that the last of each pair is the first of the reversed ones.
        _, first = np.unique((events.users * len(past.candidates) + columns)[::-1], return_index=True)
        rows = len(events) - 1 - first
        rows = rows[np.isin(columns[rows], _most_frequent(columns[rows]))]
        return cls(
            users=events.users[rows],
            products=columns[rows],
            ages_us=past.at_us - events.times_us[rows],
            order=rows,
            width=len(past.candidates),
        )

    def last_of_each(self, groups: Integers, count: int) -> Mask:
        """Whether each is among the last `count` of its group: ndarray of shape (n,), bool."""
        order = np.lexsort((-self.order, groups))
        starts = np.searchsorted(groups[order], groups[order])
        last = np.empty(len(groups), dtype=bool)
        last[order] = np.arange(len(groups)) - starts < count
        return last


def bought_with(past: Past, decay: Decay) -> Ranker:
    """What `application.ports.co_purchases` says of the last BASKET products that the user bought.

    Without decay it is about the cosine of the buyers (Sarwar, Karypis, Konstan, Riedl, WWW 2001). A product that
    shares no buyer is not in the list.
    """
    purchases = LastPurchases.of(past)
    columns = np.unique(purchases.products)
    similarities = _similarities(purchases, columns, decay)
    in_basket = purchases.last_of_each(purchases.users, BASKET)

    def score(users: Integers) -> Scores:
        baskets = _rows(purchases, in_basket.astype(np.float32), users)[:, columns]
        sums = baskets @ similarities
        scores = np.full((len(users), purchases.width), -np.inf, dtype=np.float32)
        scores[:, columns] = np.where(sums > 0, sums, -np.inf)
        return scores

    return score


def _most_frequent(products: Integers) -> Integers:
    counts = np.bincount(products)
    return np.argsort(-counts, kind="stable")[:MOST_PRODUCTS]


def _similarities(purchases: LastPurchases, columns: Integers, decay: Decay) -> Floats32:
    """From what was bought (rows) to what goes with it (columns), none with itself: shape (p, p), float32."""
    left = decay.factors(purchases.ages_us).astype(np.float32)
    is_last = purchases.last_of_each(purchases.products, BUYERS)
    matrix = np.zeros((len(columns), len(columns)), dtype=np.float32)
    users = np.unique(purchases.users)
    for start in range(0, len(users), USERS_AT_ONCE):
        some = users[start : start + USERS_AT_ONCE]
        last = _rows(purchases, np.where(is_last, left, 0), some)[:, columns]
        matrix += last.T @ _rows(purchases, left, some)[:, columns]
    matrix /= np.sqrt(np.bincount(purchases.products[is_last], minlength=purchases.width)[columns])[:, None]
    matrix /= np.sqrt(np.bincount(purchases.products, minlength=purchases.width)[columns])
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _rows(purchases: LastPurchases, values: Floats32, users: Integers) -> Floats32:
    """A value of each purchase by these users (ascending): ndarray of shape (len(users), width), float32."""
    chosen = np.isin(purchases.users, users)
    rows = np.zeros((len(users), purchases.width), dtype=np.float32)
    rows[np.searchsorted(users, purchases.users[chosen]), purchases.products[chosen]] = values[chosen]
    return rows
