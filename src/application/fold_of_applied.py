"""What stored states come to when exactly the events are folded that they say they have applied."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from application.fold_from_log import by_user
from domain.decayed_sums import DecayedSums
from domain.fold import fold
from domain.interaction import Interaction, LoggedEvent
from domain.recipe import Recipe
from domain.settlement import Effect
from domain.user_embedding import (
    CANCELLED,
    MAX_RELATIVE_ERROR,
    ROUNDING,
    UserEmbedding,
    distances,
    sums_of,
)
from domain.vectors import SubjectVectors

ROUNDINGS_ALLOWED = 4
"""How many times its own error estimate a stored vector may be off."""

SUM_TOLERANCE = 1e-9
"""How far it may be off beyond that, as part of W."""

WEIGHT_TOLERANCE = 1e-6
"""How far the stored W may be off, as part of W."""

UNIT_TOLERANCE = 1e-5
"""How far the length of a stored embedding may be from 1."""


@frozen(kw_only=True)
class Mismatch:
    """A user whose stored state is not what the log gives."""

    user_id: str
    reason: str
    error: float
    """|s - s'| / |s|."""


class FoldOfApplied:
    """The sums of exactly the events that stored states say they have applied."""

    def __init__(self, states: Sequence[UserEmbedding], recipe: Recipe) -> None:
        self._states = states
        self._recipe = recipe
        self._row_of = {state.user_id: row for row, state in enumerate(states)}
        self._sums = DecayedSums.empty(len(states), recipe.dimensions)
        self._seen = [0] * len(states)
        self._without_vector: set[int] = set()

    def add(self, page: Sequence[LoggedEvent], vectors: SubjectVectors) -> list[str | None]:
        """Fold a page of history; return the product (None: no product) of each event that is not applied."""
        unapplied: list[str | None] = []
        effects: list[list[Effect]] = [[] for _ in self._states]
        for user_id, events in by_user(page):
            row = self._row_of.get(user_id)
            for logged in events:
                event = logged.event
                if row is None or logged.position not in self._states[row].applied:
                    unapplied.append(event.product_id if isinstance(event, Interaction) else None)
                    continue
                self._seen[row] += 1
                if not isinstance(event, Interaction) or self._is_taken_back(row, logged):
                    continue
                if vectors.row_of(event) is None:
                    self._without_vector.add(row)
                else:
                    effects[row].append(Effect(interaction=event, sign=1))
        self._sums = fold(self._sums, effects, vectors, self._recipe)
        return unapplied

    def _is_taken_back(self, row: int, logged: LoggedEvent) -> bool:
        return logged.retracted_by is not None and logged.retracted_by in self._states[row].applied

    def compare(self) -> tuple[tuple[Mismatch, ...], float]:
        """The users whose stored state differs, each with the first reason, and the largest error of the others."""
        if not self._states:
            return (), 0.0
        stored = sums_of(self._states, self._recipe)
        off = distances(stored, self._sums, self._recipe.decay)
        reference = self._sums.at(np.maximum(stored.as_of_us, self._sums.as_of_us), self._recipe.decay)
        scale = np.maximum(stored.weights, reference.weights)
        # No state is stored with more than this, so a larger error is nobody's estimate.
        errors = np.minimum(stored.errors, (MAX_RELATIVE_ERROR + ROUNDING) * stored.norms + CANCELLED * scale)
        allowed = ROUNDINGS_ALLOWED * errors + SUM_TOLERANCE * scale
        weights_differ = ~np.isclose(stored.weights, reference.weights, rtol=WEIGHT_TOLERANCE, atol=1e-12)
        norms = stored.norms
        relative = np.divide(off, norms, out=np.zeros_like(off), where=norms > 0)
        mismatches = []
        max_error = 0.0
        for row, state in enumerate(self._states):
            reason = None
            if self._seen[row] != len(state.applied):
                reason = f"says it has applied {len(state.applied)} events, of which the log holds {self._seen[row]}"
            elif row in self._without_vector:
                reason = "has applied an event whose vector is gone"
            elif stored.counts[row] != self._sums.counts[row]:
                reason = f"holds {stored.counts[row]} live events; the log gives {self._sums.counts[row]}"
            elif not off[row] <= allowed[row]:
                reason = f"is off by {off[row]:.3g}, where {allowed[row]:.3g} is rounding"
            elif weights_differ[row]:
                reason = f"has weight {stored.weights[row]:.9g}; the log gives {reference.weights[row]:.9g}"
            elif abs(_length_of(state) - 1) > UNIT_TOLERANCE:
                reason = f"has an embedding of length {_length_of(state):.6g}, not 1"
            if reason is not None:
                mismatches.append(Mismatch(user_id=state.user_id, reason=reason, error=float(relative[row])))
            else:
                max_error = max(max_error, float(relative[row]))
        return tuple(mismatches), max_error


def _length_of(state: UserEmbedding) -> float:
    """The length of the stored embedding; 1 where there rightly is none."""
    return float(np.linalg.norm(state.embedding.astype(np.float64))) if state.embedding is not None else 1.0
