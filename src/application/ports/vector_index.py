"""The vector index: points that a search engine finds by nearness, each made from what is stored elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from domain.vectors import Vector

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@frozen(kw_only=True, eq=False)
class Point:
    """A user or a product in the index.

    Parameters
    ----------
    id : the user's or the product's.
    vector : ndarray of shape (d,), float32, of unit length.
    mark : names what the point was made from; another one whenever that has changed.
    payload : what is read and filtered by beside the vector.
    """

    id: str
    vector: Vector
    mark: str
    payload: Mapping[str, Json] = field(factory=dict)


@frozen(kw_only=True)
class PointsPage:
    """Some of the points, and where to go on.

    Parameters
    ----------
    ids : of points that are where we would have put them.
    strays : what the index itself calls those that are not: put there by somebody else, or damaged.
    next : what to give as `after` for the next page; None after the last.
    """

    ids: Sequence[str]
    strays: Sequence[str | int] = ()
    next: str | int | None = None


class VectorIndex(Protocol):
    """A collection of points, at most one an id. Writes are seen by whoever reads after they have returned.

    All calls raise UnavailableError when the index cannot be reached, ConfigurationError when it is not set up.
    """

    def marks(self, ids: Collection[str]) -> Mapping[str, str | None]:
        """The mark of the point of each of these; ids without one are left out. None: what is there makes no sense."""

    def read(self, ids: Collection[str]) -> Mapping[str, Point | None]:
        """The points of these; ids without one are left out. None: what is there makes no sense."""

    def put(self, points: Sequence[Point]) -> None:
        """Store each of these in place of whatever is there."""

    def remove(self, ids: Collection[str]) -> None:
        """Remove the points of these; that there is none is no error."""

    def page(self, after: str | int | None, limit: int) -> PointsPage:
        """The next `limit` points, in the index's own order."""

    def remove_strays(self, strays: Collection[str | int]) -> None:
        """Remove these, as `page` has named them."""


class IndexGeneration(Protocol):
    """The collections of one embedding model. Those who search ask for those that are live, whatever the model.

    All calls raise as those of `VectorIndex` do.
    """

    def is_live(self) -> bool:
        """Whether searches find these collections."""

    def go_live(self) -> None:
        """Let searches find these collections from now on, in one step; remove those that were live before."""
