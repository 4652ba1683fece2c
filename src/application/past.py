"""The past of an evaluation: all that a ranker may know, and nothing that comes after it."""

from functools import cached_property

import numpy as np
from attrs import field, frozen

from domain.decayed_sums import Integers
from domain.event_columns import EventColumns
from domain.ranking import Mask
from domain.vectors import Matrix


@frozen(kw_only=True, eq=False)
class Pairs:
    """Which users have to do with which products.

    Parameters
    ----------
    users, products : ndarray of shape (n,), int64: each pair once, ordered by user.
    width : how many products there are.
    """

    users: Integers
    products: Integers
    width: int

    @classmethod
    def of(cls, users: Integers, products: Integers, width: int) -> "Pairs":
        """Each pair once."""
        codes = np.unique(users * width + products)
        return cls(users=codes // width, products=codes % width, width=width)

    def __len__(self) -> int:
        return len(self.users)

    def mask(self, users: Integers) -> Mask:
        """The products of these users (ascending): ndarray of shape (len(users), width), bool."""
        rows = np.searchsorted(users, self.users)
        inside = (rows < len(users)) & (users[np.minimum(rows, len(users) - 1)] == self.users)
        mask = np.zeros((len(users), self.width), dtype=bool)
        mask[rows[inside], self.products[inside]] = True
        return mask

    def without(self, other: "Pairs") -> "Pairs":
        """The pairs that `other` has not."""
        return self._where(~self._in(other))

    def common(self, other: "Pairs") -> "Pairs":
        """The pairs that `other` has, too."""
        return self._where(self._in(other))

    def _in(self, other: "Pairs") -> Mask:
        return np.isin(self.users * self.width + self.products, other.users * self.width + other.products)

    def _where(self, chosen: Mask) -> "Pairs":
        return Pairs(users=self.users[chosen], products=self.products[chosen], width=self.width)


@frozen(kw_only=True, eq=False)
class Past:
    """The live events before a moment, and the vectors of what they are about.

    The candidates are the products of these events: what nobody has had to do with by then cannot be recommended. They
    are the columns of every ranker.

    Parameters
    ----------
    at_us : the moment.
    events : what was known right before it.
    vectors : ndarray of shape (subjects, d), float32: unit vectors of products and phrases; zero where there is none.
    """

    at_us: int
    events: EventColumns
    vectors: Matrix
    candidates: Integers = field(init=False)
    """Products by their place in `product_ids`, ascending: ndarray of shape (m,), int64."""

    def __attrs_post_init__(self) -> None:
        subjects = np.unique(self.events.subjects)
        object.__setattr__(self, "candidates", subjects[subjects < len(self.events.product_ids)])

    @classmethod
    def of(cls, events: EventColumns, vectors: Matrix, at_us: int) -> "Past":
        """What was known of `events` right before a moment."""
        return cls(at_us=at_us, events=events.until(at_us), vectors=vectors)

    @cached_property
    def has_vector(self) -> Mask:
        """Whether each subject has a vector."""
        return np.asarray(self.vectors.any(axis=1))

    @cached_property
    def candidate_vectors(self) -> Matrix:
        """ndarray of shape (m, d), float32."""
        return self.vectors[self.candidates]

    @cached_property
    def bought(self) -> Pairs:
        """Who had bought what."""
        return self.pairs(self.events.purchases())

    def pairs(self, events: EventColumns) -> Pairs:
        """Who has to do with which candidates in these events."""
        columns = np.searchsorted(self.candidates, events.subjects)
        inside = np.minimum(columns, len(self.candidates) - 1)
        known = self.candidates[inside] == events.subjects
        return Pairs.of(events.users[known], columns[known], len(self.candidates))

    def usable_of(self, users: Integers) -> EventColumns:
        """The events of these users (ascending) whose subject has a vector, by user, of each in the order of time."""
        return self._usable.where(joined_ranges(*ranges_of(users, self._usable.users)))

    @cached_property
    def _usable(self) -> EventColumns:
        usable = np.flatnonzero(self.has_vector[self.events.subjects])
        return self.events.where(usable[np.argsort(self.events.users[usable], kind="stable")])

    def events_by_user(self) -> Integers:
        """How many events each user has: ndarray of shape (users,), int64."""
        return np.bincount(self.events.users, minlength=len(self.events.user_ids))


def ranges_of(users: Integers, owners: Integers) -> tuple[Integers, Integers]:
    """Where each of these users starts and ends among the owners (ascending): twice an ndarray, int64."""
    return np.searchsorted(owners, users), np.searchsorted(owners, users, side="right")


def joined_ranges(starts: Integers, ends: Integers) -> Integers:
    """The numbers of each range, one range after the other: ndarray, int64."""
    lengths = ends - starts
    shifts = np.repeat(ends - np.cumsum(lengths), lengths)
    return np.arange(len(shifts)) + shifts
