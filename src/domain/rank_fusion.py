"""Reciprocal rank fusion: several rankings of the same things become one (Cormack, Clarke, Buettcher, SIGIR 2009)."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)

RANK_CONSTANT = 60
"""How little the first places differ from each other; the paper's own, which it found to matter little."""


def fuse(
    rankings: Mapping[Name, Sequence[str]], weights: Mapping[Name, float] | None = None
) -> list[tuple[str, float]]:
    """What is in any of the rankings, with the sum of weight / (RANK_CONSTANT + rank) over them; the largest first.

    Only ranks count, so what the rankings are made of need not be comparable. Equal ones come by id.

    Parameters
    ----------
    rankings : by the name of their source, each the best first and without repeats.
    weights : of the sources; 1 where none is given.
    """
    scores: dict[str, float] = {}
    for source, ranking in rankings.items():
        weight = weights.get(source, 1.0) if weights is not None else 1.0
        for rank, id_ in enumerate(ranking, start=1):
            scores[id_] = scores.get(id_, 0.0) + weight / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))
