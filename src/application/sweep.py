"""Sweeping: everything that an index follows is held against its points, a piece at a time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Generic

from attrs import frozen

from application.follow import Follow, Followed, Row, Stamp
from application.ports.vector_index import PointsPage, VectorIndex

ROWS_AT_ONCE = 1_000


@frozen(kw_only=True)
class Swept:
    """A piece of a sweep: how many rows it looked at, and how many points it changed."""

    rows: int = 0
    changed: int


class Sweep(Generic[Row]):
    """Brings all points to what is stored, and removes those of nobody.

    Parameters
    ----------
    check : raises where this process must not write any more; called before each piece.
    """

    def __init__(
        self,
        index: VectorIndex,
        followed: Followed[Row],
        follow: Follow[Row],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._index = index
        self._followed = followed
        self._follow = follow
        self._check = check

    def __call__(self, before: datetime | None = None) -> Iterator[Swept]:
        """Bring what differs, of what was written before that moment (None: all), a piece at a time."""
        for stamps in self._stamps():
            old = [one for one in stamps if before is None or one.written_at < before]
            yield Swept(rows=len(stamps), changed=len(self._follow(self._differing(old))))
        for page in self._pages():
            yield Swept(changed=self._remove_gone(page))

    def anew(self) -> Iterator[Swept]:
        """Put every point whatever is there, and remove all others, a piece at a time."""
        for stamps in self._stamps():
            yield Swept(rows=len(stamps), changed=len(self._follow([one.id for one in stamps], anew=True)))
        for page in self._pages():
            if page.strays:
                self._index.remove_strays(page.strays)
            yield Swept(changed=self._remove_gone(page))

    def _stamps(self) -> Iterator[Sequence[Stamp]]:
        for stamps in self._followed.stamps(ROWS_AT_ONCE):
            self._check()
            yield stamps

    def _pages(self) -> Iterator[PointsPage]:
        for page in pages_of_points(self._index):
            self._check()
            yield page

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
