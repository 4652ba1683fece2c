"""What an evaluation found."""

from collections.abc import Mapping

from attrs import frozen

from domain.bootstrap import Estimate


@frozen(kw_only=True)
class RankerScore:
    """How good a ranker is at a target.

    `metrics` are means over users with their intervals; `over_popularity` is by how much they are above those of
    popularity, user by user; `coverage` is the part of the candidates that anybody is shown among the first k.
    """

    name: str
    metrics: Mapping[str, Estimate]
    over_popularity: Mapping[str, Estimate]
    coverage: Mapping[int, float]


@frozen(kw_only=True)
class Lead:
    """By how much the blend is above the best single ranker, user by user."""

    over: str
    difference: Estimate
    apart: bool
    """Whether the intervals of both have no number in common."""


@frozen(kw_only=True)
class TargetScores:
    """How good all rankers are at one target; `relevant` counts the products that were to be found."""

    name: str
    users: int
    relevant: int
    rankers: tuple[RankerScore, ...]
    blend: Mapping[str, Lead]
    """By the name of the metric."""


@frozen(kw_only=True)
class Evaluation:
    """All of it; `notes` are sentences on what could not be compared, or was left out."""

    at_us: int
    users: int
    events_before: int
    events_after: int
    candidates: int
    targets: tuple[TargetScores, ...]
    notes: tuple[str, ...]
