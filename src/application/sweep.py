"""Sweeping: everything that an index follows is held against its points, a piece at a time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic

from application.follow import Follow, Followed, Row, Stamp
from application.ports.vector_index import PointsPage, VectorIndex

ROWS_AT_ONCE = 1_000


class Sweep(Generic[Row]):
    """Brings all points to what is stored, and removes those of nobody."""

    def __init__(self, index: VectorIndex, followed: Followed[Row], follow: Follow[Row]) -> None:
        self._index = index
        self._followed = followed
        self._follow = follow

    def __call__(self, before: datetime | None = None) -> Iterator[int]:
        """Bring what differs, of what was written before that moment (None: all); yield how many each piece changed."""
        for stamps in self._followed.stamps(ROWS_AT_ONCE):
            old = [one for one in stamps if before is None or one.written_at < before]
            yield len(self._follow(self._differing(old)))
        for page in pages_of_points(self._index):
            yield self._remove_gone(page)

    def anew(self) -> Iterator[int]:
        """Put every point whatever is there, and remove all others; yield how many rows each piece had."""
        for stamps in self._followed.stamps(ROWS_AT_ONCE):
            self._follow([one.id for one in stamps], anew=True)
            yield len(stamps)
        for page in pages_of_points(self._index):
            self._index.remove_strays(page.strays)
            self._remove_gone(page)
            yield 0

    def _differing(self, stamps: Sequence[Stamp]) -> Sequence[str]:
        marks = self._index.marks([one.id for one in stamps])
        return [one.id for one in stamps if marks.get(one.id) != one.mark]

    def _remove_gone(self, page: PointsPage) -> int:
        return len(self._follow(self._followed.gone(page.ids)))


def pages_of_points(index: VectorIndex) -> Iterator[PointsPage]:
    """All points of an index, ROWS_AT_ONCE at a time."""
    after: str | int | None = None
    while True:
        page = index.page(after, ROWS_AT_ONCE)
        yield page
        if page.next is None:
            return
        after = page.next
