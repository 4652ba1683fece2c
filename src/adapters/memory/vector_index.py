"""The vector index in dicts."""

from collections.abc import Collection, Mapping, Sequence

from application.ports.vector_index import Point, PointsPage


class MemoryVectorIndex:
    """`points` holds what has been put; None in place of a point makes no sense. `strays` are put by others."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self.points: dict[str, Point | None] = {}
        self.strays: set[str | int] = set()

    def marks(self, ids: Collection[str]) -> Mapping[str, str | None]:
        return {id_: point.mark if point is not None else None for id_, point in self.read(ids).items()}

    def read(self, ids: Collection[str]) -> Mapping[str, Point | None]:
        return {id_: self._sound(self.points[id_]) for id_ in ids if id_ in self.points}

    def put(self, points: Sequence[Point]) -> None:
        self.points |= {point.id: point for point in points}

    def remove(self, ids: Collection[str]) -> None:
        for id_ in ids:
            self.points.pop(id_, None)

    def page(self, after: str | int | None, limit: int) -> PointsPage:
        ids = {f"point {id_}": id_ for id_ in self.points}
        strays = {f"stray {stray!r}": stray for stray in self.strays}
        rest = sorted(key for key in (*ids, *strays) if after is None or key > str(after))
        page = rest[:limit]
        return PointsPage(
            ids=[ids[key] for key in page if key in ids],
            strays=[strays[key] for key in page if key in strays],
            next=page[-1] if len(rest) > limit else None,
        )

    def remove_strays(self, strays: Collection[str | int]) -> None:
        self.strays -= set(strays)

    def _sound(self, point: Point | None) -> Point | None:
        return point if point is not None and point.vector.shape == (self._dimensions,) else None


class Searched:
    """Which indexes searches find."""

    def __init__(self) -> None:
        self.indexes: Sequence[MemoryVectorIndex] = ()


class MemoryGeneration:
    """Indexes that belong together. The first generation is live at once, as after a setup."""

    def __init__(self, indexes: Sequence[MemoryVectorIndex], searched: Searched) -> None:
        self._indexes = indexes
        self._searched = searched
        if not searched.indexes:
            searched.indexes = indexes

    def is_live(self) -> bool:
        return self._searched.indexes is self._indexes

    def go_live(self) -> None:
        before, self._searched.indexes = self._searched.indexes, self._indexes
        if before is self._indexes:
            return
        for index in before:
            index.points.clear()
            index.strays.clear()
