"""Maximal marginal relevance: what is chosen next is good, and unlike what was chosen (Carbonell, Goldstein 1998)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from domain.vectors import Matrix


def diversify(relevance: Sequence[float], vectors: Matrix, limit: int, diversity: float) -> list[int]:
    """The rows to show, in order: each time that with the most (1 - diversity) * relevance - diversity * likeness.

    Parameters
    ----------
    relevance : of each row, from 0 to 1.
    vectors : ndarray of shape (len(relevance), d), float32, of unit length; likeness is the largest cosine between a
        row and one that is chosen already. A row of zeros is like nothing.
    diversity : from 0 (relevance alone) to 1.
    """
    relevant = np.asarray(relevance, dtype=np.float64)
    likeness: npt.NDArray[np.float64] = np.zeros(len(relevant))
    left = np.ones(len(relevant), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(limit, len(relevant))):
        value = np.where(left, (1 - diversity) * relevant - diversity * likeness, -np.inf)
        best = int(np.argmax(value))
        chosen.append(best)
        left[best] = False
        np.maximum(likeness, vectors @ vectors[best], out=likeness)
    return chosen
