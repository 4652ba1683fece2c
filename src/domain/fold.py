"""Folding: from settled events and the vectors of their subjects to the sums of many users at once."""

from collections.abc import Sequence

import numpy as np

from domain.decayed_sums import DecayedSums, Effects
from domain.instant import to_microseconds
from domain.recipe import Recipe
from domain.settlement import Effect
from domain.vectors import SubjectVectors


def as_arrays(effects: Sequence[Sequence[Effect]], vectors: SubjectVectors, recipe: Recipe) -> Effects:
    """The effects of n users, one sequence a user, as arrays. Each effect's vector must be in `vectors`."""
    flat = [effect for of_user in effects for effect in of_user]
    return Effects(
        owners=np.repeat(np.arange(len(effects)), [len(of_user) for of_user in effects]),
        signs=np.array([effect.sign for effect in flat], dtype=np.float64),
        weights=np.array([recipe.weights[effect.interaction.event_type] for effect in flat], dtype=np.float64),
        times_us=np.array([to_microseconds(effect.interaction.occurred_at) for effect in flat], dtype=np.int64),
        vector_rows=np.array([vectors.row_of(effect.interaction) for effect in flat], dtype=np.int64),
        vectors=vectors.matrix,
    )


def fold(
    sums: DecayedSums, effects: Sequence[Sequence[Effect]], vectors: SubjectVectors, recipe: Recipe
) -> DecayedSums:
    """`sums` of n users with `effects`, one sequence a user in the same order."""
    return sums.with_effects(as_arrays(effects, vectors, recipe), recipe.decay)
