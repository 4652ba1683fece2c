"""The decayed sums of many users as arrays: one merge operation for batches, shards and rebuilds (ADR 0002)."""

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from domain.decay import Decay
from domain.instant import NEVER_US

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BLOCK = 64
"""Events that one matrix product sums: small enough that a block of 1536-dimensional vectors stays in the cache."""


@frozen(kw_only=True, eq=False)
class Effects:
    """What events add to, or a retraction takes from, the sums of n users.

    Parameters
    ----------
    owners : ndarray of shape (k,), int64: the row of the user, ascending.
    signs : ndarray of shape (k,), float64: 1 adds the event, -1 takes it back.
    weights : ndarray of shape (k,), float64: the weight of the event type; may be negative.
    times_us : ndarray of shape (k,), int64: when the event occurred, microseconds since 1970.
    vector_rows : ndarray of shape (k,), int64: the row of the event's vector in `vectors`.
    vectors : ndarray of shape (m, d), float32 or float64, rows of unit length.
    """

    owners: Integers
    signs: Floats
    weights: Floats
    times_us: Integers
    vector_rows: Integers
    vectors: npt.NDArray[np.floating]


@frozen(kw_only=True, eq=False)
class DecayedSums:
    """For each of n users: s = sum of w_i * exp(-rate * (as_of - t_i)) * v_i over the live events.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float64: s.
    weights : ndarray of shape (n,), float64: W, the sum of |w_i| * exp(-rate * (as_of - t_i)).
    as_of_us : ndarray of shape (n,), int64: the time at which s and W are written down; NEVER_US without events.
    errors : ndarray of shape (n,), float64: estimated length of the rounding accumulated in s.
    counts : ndarray of shape (n,), int64: live events.
    """

    vectors: Floats
    weights: Floats
    as_of_us: Integers
    errors: Floats
    counts: Integers

    @classmethod
    def empty(cls, users: int, dimensions: int) -> "DecayedSums":
        """The sums of users without events: the neutral element of `merge`."""
        return cls(
            vectors=np.zeros((users, dimensions)),
            weights=np.zeros(users),
            as_of_us=np.full(users, NEVER_US),
            errors=np.zeros(users),
            counts=np.zeros(users, dtype=np.int64),
        )

    def with_effects(self, effects: Effects, decay: Decay) -> "DecayedSums":
        """These sums and `effects`: the same as to merge the sums of the effects, in fewer passes over the vectors."""
        times_us = self.as_of_us.copy()
        np.maximum.at(times_us, effects.owners, effects.times_us)
        sums = self.at(times_us, decay)
        shares = effects.signs * decay.factors(times_us[effects.owners] - effects.times_us)
        np.add.at(sums.weights, effects.owners, shares * np.abs(effects.weights))
        counts = sums.counts.copy()
        np.add.at(counts, effects.owners, effects.signs.astype(np.int64))
        _add_weighted(sums.vectors, effects, shares * effects.weights)
        return evolve(sums, counts=counts)

    def at(self, times_us: Integers, decay: Decay) -> "DecayedSums":
        """The same sums written down at later times: one multiplication a user."""
        factors = decay.factors(times_us - self.as_of_us)
        return DecayedSums(
            vectors=self.vectors * factors[:, None],
            weights=self.weights * factors,
            as_of_us=times_us,
            errors=self.errors * factors,
            counts=self.counts,
        )

    def merge(self, other: "DecayedSums", decay: Decay) -> "DecayedSums":
        """The sums of both sets of events, row by row, at the later of both times. Commutative and associative."""
        times_us = np.maximum(self.as_of_us, other.as_of_us)
        mine, theirs = self.at(times_us, decay), other.at(times_us, decay)
        return DecayedSums(
            vectors=mine.vectors + theirs.vectors,
            weights=mine.weights + theirs.weights,
            as_of_us=times_us,
            errors=np.hypot(mine.errors, theirs.errors),
            counts=mine.counts + theirs.counts,
        )

    def negated(self) -> "DecayedSums":
        """What takes these sums back when it is merged."""
        return DecayedSums(
            vectors=-self.vectors,
            weights=-self.weights,
            as_of_us=self.as_of_us,
            errors=self.errors,
            counts=-self.counts,
        )

    def settled(self) -> "DecayedSums":
        """The same, with users that have no live event left exactly empty."""
        live = self.counts > 0
        if live.all():
            return self
        return DecayedSums(
            vectors=np.where(live[:, None], self.vectors, 0.0),
            weights=np.where(live, self.weights, 0.0),
            as_of_us=np.where(live, self.as_of_us, NEVER_US),
            errors=np.where(live, self.errors, 0.0),
            counts=np.where(live, self.counts, 0),
        )

    @property
    def norms(self) -> Floats:
        """|s|, ndarray of shape (n,), float64."""
        lengths: Floats = np.sqrt(np.einsum("ij,ij->i", self.vectors, self.vectors))
        return lengths


def _add_weighted(sums: Floats, effects: Effects, coefficients: Floats) -> None:
    """Add each effect's vector times its coefficient to its owner's sum: a matrix product a block of effects."""
    for start in range(0, len(coefficients), BLOCK):
        block = slice(start, start + BLOCK)
        users, columns = np.unique(effects.owners[block], return_inverse=True)
        matrix = np.zeros((len(users), len(columns)))
        matrix[columns, np.arange(len(columns))] = coefficients[block]
        sums[users] += matrix @ effects.vectors[effects.vector_rows[block]]
