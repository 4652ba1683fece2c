"""Which events of a user's log a state has applied: the highest position, and the gaps below it (ADR 0003)."""

from bisect import bisect_right
from collections.abc import Iterable

from attrs import field, frozen

from domain.errors import InvalidValueError

Range = tuple[int, int]
"""First and last position, both inside."""


def _as_tuple(ranges: Iterable[Iterable[int]]) -> tuple[Range, ...]:
    return tuple((first, last) for first, last in ranges)


@frozen
class AppliedPositions:
    """The set {1, …, position} without `missing`.

    Parameters
    ----------
    position : the highest applied position; 0 when nothing is applied.
    missing : the positions below it that are not applied, as sorted ranges that neither touch nor overlap.
    """

    position: int = 0
    missing: tuple[Range, ...] = field(default=(), converter=_as_tuple)

    def __attrs_post_init__(self) -> None:
        previous = -1
        for first, last in self.missing:
            if not previous + 1 < first <= last < self.position:
                raise InvalidValueError("missing", f"is not a list of gaps below {self.position}", "rebuild the user")
            previous = last

    def __contains__(self, position: int) -> bool:
        if not 1 <= position <= self.position:
            return False
        if not self.missing:
            return True
        at = bisect_right(self.missing, (position, self.position)) - 1
        return at < 0 or self.missing[at][1] < position

    def __len__(self) -> int:
        """How many positions are applied."""
        return self.position - self.missing_count

    @property
    def missing_count(self) -> int:
        """How many positions up to `position` are not applied."""
        return sum(last - first + 1 for first, last in self.missing)

    def with_applied(self, positions: Iterable[int]) -> "AppliedPositions":
        """This set and `positions`, each at least 1, in any order and any number of times."""
        added = as_ranges(positions)
        if not added:
            return self
        top = max(self.position, added[-1][1])
        gaps = self.missing if top == self.position else (*self.missing, (self.position + 1, top))
        return AppliedPositions(top, _without(_joined(gaps), added))


def as_ranges(positions: Iterable[int]) -> list[Range]:
    """Numbers in any order as sorted ranges that neither touch nor overlap."""
    return _joined((position, position) for position in sorted(set(positions)))


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Sorted ranges, with those that touch made one."""
    joined: list[Range] = []
    for first, last in ranges:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _without(ranges: list[Range], removed: list[Range]) -> list[Range]:
    """What is in `ranges` and not in `removed`; both sorted and disjoint."""
    left: list[Range] = []
    at = 0
    for first, last in ranges:
        while at < len(removed) and removed[at][1] < first:
            at += 1
        start, cut = first, at
        while cut < len(removed) and removed[cut][0] <= last:
            if start < removed[cut][0]:
                left.append((start, removed[cut][0] - 1))
            start = removed[cut][1] + 1
            cut += 1
        if start <= last:
            left.append((start, last))
    return left
