"""Verifying an index: its points, held against what they were made from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Generic

import numpy as np
from attrs import evolve

from application.fold_of_applied import Mismatch
from application.follow import Followed, Row
from application.ports.vector_index import Point, VectorIndex
from application.sweep import ROWS_AT_ONCE, pages_of_points
from application.verify import LOOKS, VerifyReport

VECTOR_TOLERANCE = 1e-6
"""How far a number of a vector may be off: it has travelled as text."""


class VerifyPoints(Generic[Row]):
    """Compares points with rows while everything goes on. A point that has the mark of its row must be that row's."""

    def __init__(self, index: VectorIndex, followed: Followed[Row]) -> None:
        self._index = index
        self._followed = followed

    def __call__(self, ids: Collection[str]) -> VerifyReport:
        """Verify these. One that differs is looked at again, since rows may move under our eyes."""
        report = self._look(list(dict.fromkeys(ids)))
        mismatches = report.mismatches
        for _ in range(LOOKS - 1):
            if mismatches:
                mismatches = self._look([mismatch.user_id for mismatch in mismatches]).mismatches
        return evolve(report, mismatches=mismatches)

    def pages(self) -> Iterator[Sequence[str]]:
        """Everything that has a row or a point, some at a time; what has a row and a point comes once."""
        yield from ([stamp.id for stamp in stamps] for stamps in self._followed.stamps(ROWS_AT_ONCE))
        for page in pages_of_points(self._index):
            if gone := self._followed.gone(page.ids):
                yield sorted(gone)

    def strays(self) -> int:
        """How many points are in the index that nobody of us has put there like that."""
        return sum(len(page.strays) for page in pages_of_points(self._index))

    def _look(self, ids: Sequence[str]) -> VerifyReport:
        found = self._index.read(ids)
        rows = self._followed.read(ids)
        points = {point.id: point for point in self._followed.points(list(rows.values()))}
        lag, mismatches = 0, []
        for id_ in ids:
            point, wanted = found.get(id_), points.get(id_)
            if id_ in found and (reason := _fault(point, wanted, has_row=id_ in rows)):
                mismatches.append(Mismatch(user_id=id_, reason=reason, error=1.0))
            else:
                lag += (point.mark if point is not None else None) != (wanted.mark if wanted is not None else None)
        return VerifyReport(users=len(ids), mismatches=tuple(mismatches), lag=lag)


def _fault(point: Point | None, wanted: Point | None, *, has_row: bool) -> str | None:
    """What is wrong with a point that is there; None if it is right, or only late."""
    if point is None:
        return "has a point that makes no sense"
    if wanted is None:
        return None if has_row else "has a point, and nothing stored that it could follow"
    if point.mark != wanted.mark:
        return None
    if point.vector.shape != wanted.vector.shape:
        return "has a point with a vector of another length"
    if not np.allclose(point.vector, wanted.vector, rtol=0, atol=VECTOR_TOLERANCE):
        return f"has a point that is off by {np.abs(point.vector - wanted.vector).max():.3g} in one of its numbers"
    differing = [key for key, value in _listed(wanted.payload).items() if _listed(point.payload).get(key) != value]
    return f"has a point whose {', '.join(differing)} differs" if differing else None


def _listed(payload: Mapping[str, object]) -> Mapping[str, object]:
    """The payload with tuples as the lists that they come back as."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in payload.items()}
