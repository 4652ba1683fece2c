"""The user embedding: what a store keeps of a user, and how it is rounded."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from attrs import evolve, field, frozen

from domain.applied_positions import AppliedPositions
from domain.decay import Decay
from domain.decayed_sums import DecayedSums
from domain.instant import NEVER_US, from_microseconds, to_microseconds
from domain.recipe import Recipe

ROUNDING = 2.0**-24
"""Length of the error, relative to |s|, that storing a unit vector in float32 adds at most."""

MAX_RELATIVE_ERROR = 1e-5
"""A state whose accumulated rounding passes this part of |s| is rebuilt from the log before it is stored."""

CANCELLED = 1e-9
"""Where |s| is below this part of W, the live events cancel out, and what is left of s is rounding."""

MAX_MISSING_GROWTH = 64
"""A state that misses more positions than this beyond what its last rebuild left is rebuilt."""


UNREADABLE = "unreadable"
"""The recipe of a stored state that makes no sense: no process is of it, so the user is rebuilt."""


@frozen(kw_only=True, eq=False)
class UserEmbedding:
    """What one user is into, and which of the user's events it has applied.

    Parameters
    ----------
    embedding : ndarray of shape (d,), float32, of unit length; None without live events or when they cancel out.
    norm : |s|; 0 where there is no embedding.
    weight : W, the decayed sum of the absolute event weights.
    error : estimated length of the rounding accumulated in s.
    as_of : when s and W are written down; None without live events.
    event_count : live events (applied and not retracted).
    missing_after_rebuild : how many positions the last rebuild had to leave out.
    version : counts the writes, for readers.
    write_id : random, new at every write; what compare-and-set compares. None before the first write.
    """

    user_id: str
    recipe: str
    model: str
    embedding: npt.NDArray[np.float32] | None = None
    norm: float = 0.0
    weight: float = 0.0
    error: float = 0.0
    as_of: datetime | None = None
    event_count: int = 0
    applied: AppliedPositions = field(factory=AppliedPositions)
    missing_after_rebuild: int = 0
    version: int = 0
    write_id: str | None = None
    last_updated: datetime | None = None

    @property
    def focus(self) -> float:
        """|s| / W, between 0 and 1: how much the events agree. 0 without events."""
        return min(1.0, self.norm / self.weight) if self.weight > 0 else 0.0

    @property
    def misses_too_much(self) -> bool:
        """Whether reading the log once is cheaper than going on with this many gaps."""
        return self.applied.missing_count > self.missing_after_rebuild + MAX_MISSING_GROWTH

    def is_of(self, recipe: Recipe) -> bool:
        """Whether this state may be merged with sums of `recipe`."""
        return self.recipe == recipe.id and (self.embedding is None or self.embedding.shape == (recipe.dimensions,))


def sums_of(states: Sequence[UserEmbedding], recipe: Recipe) -> DecayedSums:
    """The sums that `states` hold, row by row, as they were before they were rounded."""
    sums = DecayedSums.empty(len(states), recipe.dimensions)
    for row, state in enumerate(states):
        if state.as_of is None:
            continue
        if state.embedding is not None:
            np.multiply(state.embedding, state.norm, out=sums.vectors[row], dtype=np.float64)
        sums.weights[row] = state.weight
        sums.as_of_us[row] = to_microseconds(state.as_of)
        sums.errors[row] = state.error
        sums.counts[row] = state.event_count
    return sums


@frozen(kw_only=True, eq=False)
class Rounded:
    """Sums as a store keeps them: unit vectors in float32 with norm and accumulated error.

    `inexact` marks the rows whose error is too large to be stored without a look at the log.
    """

    sums: DecayedSums
    embeddings: npt.NDArray[np.float32]
    norms: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    inexact: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, unrounded: DecayedSums) -> "Rounded":
        """Round `unrounded`. A row whose events cancel out has norm 0, and what is dropped of s counts as error."""
        sums = unrounded.settled()
        lengths = sums.norms
        cancelled = lengths <= CANCELLED * sums.weights
        norms = np.where(cancelled, 0.0, lengths)
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=~cancelled)
        embeddings = np.empty(sums.vectors.shape, dtype=np.float32)
        np.multiply(sums.vectors, scale[:, None], out=embeddings, casting="same_kind")
        inexact = (sums.counts > 0) & (sums.errors > MAX_RELATIVE_ERROR * norms)
        errors = np.hypot(sums.errors, np.where(cancelled, lengths, norms * ROUNDING))
        return cls(sums=sums, embeddings=embeddings, norms=norms, errors=errors, inexact=inexact)

    def state(self, row: int, base: UserEmbedding, applied: AppliedPositions) -> UserEmbedding:
        """`base` with the sums of `row` and the positions applied with them."""
        as_of_us = int(self.sums.as_of_us[row])
        return evolve(
            base,
            embedding=self.embeddings[row] if self.norms[row] > 0 else None,
            norm=float(self.norms[row]),
            weight=float(self.sums.weights[row]),
            error=float(self.errors[row]),
            as_of=None if as_of_us == NEVER_US else from_microseconds(as_of_us),
            event_count=int(self.sums.counts[row]),
            applied=applied,
        )


def distances(states: DecayedSums, reference: DecayedSums, decay: Decay) -> npt.NDArray[np.float64]:
    """|s - s'| a row, both brought to the time of `states`. ndarray of shape (n,), float64."""
    difference = states.merge(reference.negated(), decay)
    return difference.norms
