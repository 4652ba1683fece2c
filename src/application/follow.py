"""Following: the points of an index are brought to what is stored, whoever else writes meanwhile."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from application.ports.vector_index import Point, VectorIndex
from domain.errors import LostRaceError

ATTEMPTS = 100

Row = TypeVar("Row")


@frozen(kw_only=True)
class Stamp:
    """Which state a row is in, and since when."""

    id: str
    mark: str
    written_at: datetime


class Followed(Protocol[Row]):
    """What the points of an index are made from: rows of a store, each by the id of its point."""

    def read(self, ids: Collection[str]) -> Mapping[str, Row]:
        """The rows of these as they are stored now; ids without one are left out."""

    def mark(self, row: Row) -> str:
        """What names this state of the row."""

    def points(self, rows: Sequence[Row]) -> Sequence[Point]:
        """The points that these rows come to; a row that has no vector in our model comes to none."""

    def stamps(self, page: int) -> Iterator[Sequence[Stamp]]:
        """Those of all rows, up to `page` at a time; between the pages nothing is held open."""

    def gone(self, ids: Collection[str]) -> Collection[str]:
        """Those among these of whom no row is left."""


class Follow(Generic[Row]):
    """Puts what differs, and looks once more whether the rows have moved meanwhile.

    Two that follow the same row may write in any order: whoever writes an old state last sees, looking once more, that
    it is old. If that one dies before it looks, what woke it comes again.
    """

    def __init__(self, index: VectorIndex, followed: Followed[Row]) -> None:
        self._index = index
        self._followed = followed

    def __call__(
        self, ids: Collection[str], rows: Mapping[str, Row] | None = None, *, anew: bool = False
    ) -> Collection[str]:
        """Bring the points of these ids to what is stored, and return the ids of those that were not there before.

        Parameters
        ----------
        rows : what was just read of them, if it was.
        anew : whether a point that has the mark of its row is put, too: somebody may have damaged it.

        Raises
        ------
        UnavailableError : the index, or what it follows, is out of reach; follow these again.
        LostRaceError : the rows never stopped to move; follow these again.
        """
        rows = rows if rows is not None else self._followed.read(ids)
        left, changed = list(dict.fromkeys(ids)), set[str]()
        for _ in range(ATTEMPTS):
            written = self._bring(left, rows, anew=anew)
            if not written:
                return changed
            changed.update(written)
            before, rows, anew = rows, self._followed.read(written), False
            left = [id_ for id_ in written if self._mark(rows, id_) != self._mark(before, id_)]
            if not left:
                return changed
        raise LostRaceError(f"What the index follows has moved {ATTEMPTS} times while it was written; follow it again.")

    def _bring(self, ids: Sequence[str], rows: Mapping[str, Row], *, anew: bool) -> Sequence[str]:
        """Write what differs; return the ids of that."""
        marks = self._index.marks(ids)
        differing = [id_ for id_ in ids if anew or not self._is_right(id_, marks, rows)]
        points = self._followed.points([rows[id_] for id_ in differing if id_ in rows])
        if points:
            self._index.put(points)
        put = {point.id for point in points}
        gone = [id_ for id_ in differing if id_ in marks and id_ not in put]
        if gone:
            self._index.remove(gone)
        return [*put, *gone]

    def _is_right(self, id_: str, marks: Mapping[str, str | None], rows: Mapping[str, Row]) -> bool:
        return id_ not in marks if id_ not in rows else marks.get(id_) == self._mark(rows, id_)

    def _mark(self, rows: Mapping[str, Row], id_: str) -> str | None:
        return self._followed.mark(rows[id_]) if id_ in rows else None
