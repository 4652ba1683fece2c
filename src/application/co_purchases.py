"""The graph as a ranker: products that were bought by people who bought what the user bought."""

import numpy as np
import numpy.typing as npt

from application.past import Past
from application.rankers import NO_DECAY, Ranker
from domain.decay import Decay
from domain.decayed_sums import Integers
from domain.event_columns import EventColumns
from domain.ranking import Scores

MOST_PRODUCTS = 8_000
"""So many of the most bought products are looked at: the matrix of all pairs of these takes 256 MB."""
USERS_AT_ONCE = 1_000
COSINE = 0.5
RARE = 1e-3
"""So much at least counts who bought a product: what was bought long ago by one is like nothing."""

Floats32 = npt.NDArray[np.float32]


def co_purchases(past: Past, decay: Decay = NO_DECAY, damping: float = COSINE) -> Ranker:
    """The sum of the similarities to the products that the user bought.

    Who bought a product counts as what `decay` has left of the last purchase of it. The similarity of two products is
    the sum of the products of both counts, over the number who bought the one (so counted) to the power 0.5, and over
    that of the other to the power `damping`. Without decay and with 0.5 that is the cosine (Sarwar, Karypis, Konstan,
    Riedl, WWW 2001); the less `damping`, the more what is popular comes first. A product without any similarity is not
    in the list.
    """
    columns = _most_bought(past)
    similarities = _similarities(past, columns, decay, damping)

    def score(users: Integers) -> Scores:
        bought = past.bought.mask(users)[:, columns].astype(np.float32)
        sums = bought @ similarities
        scores = np.full((len(users), len(past.candidates)), -np.inf, dtype=np.float32)
        scores[:, columns] = np.where(sums > 0, sums, -np.inf)
        return scores

    return score


def _most_bought(past: Past) -> Integers:
    counts = np.bincount(past.bought.products, minlength=len(past.candidates))
    return np.sort(np.argsort(-counts, kind="stable")[:MOST_PRODUCTS])


def _similarities(past: Past, columns: Integers, decay: Decay, damping: float) -> Floats32:
    """From what was bought (rows) to what goes with it (columns), none with itself: shape (p, p), float32."""
    matrix = np.zeros((len(columns), len(columns)), dtype=np.float32)
    buyers = np.full(len(columns), RARE, dtype=np.float32)
    purchases = past.events.purchases()
    users = np.unique(purchases.users)
    for start in range(0, len(users), USERS_AT_ONCE):
        block = _last_purchases(past, purchases, users[start : start + USERS_AT_ONCE], decay)[:, columns]
        matrix += block.T @ block
        buyers += block.sum(axis=0)
    matrix /= (buyers**COSINE)[:, None]
    matrix /= buyers**damping
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _last_purchases(past: Past, purchases: EventColumns, users: Integers, decay: Decay) -> Floats32:
    """What is left of the last purchase of each product by each of these users: shape (users, m), float32."""
    events = purchases.where(np.isin(purchases.users, users))
    rows = np.searchsorted(users, events.users)
    columns = np.searchsorted(past.candidates, events.subjects)
    left = np.zeros((len(users), len(past.candidates)), dtype=np.float32)
    # They are in the order of time, and of several values for one place the last stays.
    left[rows, columns] = decay.factors(past.at_us - events.times_us)
    return left
