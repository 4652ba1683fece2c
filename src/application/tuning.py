"""What tuning found."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from attrs import frozen

from application.setup import Setup
from application.targets import DISCOVERIES
from domain.blend import Source
from domain.bootstrap import Estimate
from domain.interaction import EventType

POPULARITY = "popularity"
NOW = "as set now"
FOUND = "as found"


class Verdict(StrEnum):
    """What follows from the test part."""

    POPULARITY = "popularity"
    """Neither what is set nor what was found is shown to be better than what is popular."""
    KEEP = "keep"
    """What is set is, and what was found is not shown to be better than that."""
    CHANGE = "change"
    """What was found is shown to be better: than what is set, or if that is not, than what is popular."""


@frozen(kw_only=True)
class TargetTest:
    """How good what is set and what was found are at one target of the test part.

    `metrics` are by the name of the ranker, then by that of the metric; the others by that of the metric, user by user.
    """

    name: str
    metrics: Mapping[str, Mapping[str, Estimate]]
    over_now: Mapping[str, Estimate]
    over_popularity: Mapping[str, Estimate]
    now_over_popularity: Mapping[str, Estimate]


@frozen(kw_only=True)
class Tuning:
    """All of it.

    Parameters
    ----------
    at_us : the moment of the test part; all validation lies before it.
    types, sources : what was there to be weighed: types of events, and sources of recommendations.
    parts, tried : how many validation parts there were, and how many setups were tried on them.
    users : of the test part.
    now, found : the setup that is set, and the best.
    now_score, found_score : the MRR of both on the validation parts.
    popularity : which of all that ranks the same for everybody was best there; everything is held against that.
    """

    at_us: int
    types: Collection[EventType]
    sources: Collection[Source]
    parts: int
    tried: int
    users: int
    now: Setup
    found: Setup
    now_score: float
    found_score: float
    popularity: str
    targets: tuple[TargetTest, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """By the MRR of discoveries on the test part, which nothing was chosen by."""
        tested = next(target for target in self.targets if target.name == DISCOVERIES)
        keeps = tested.now_over_popularity["MRR"].low > 0
        gain = tested.over_now if keeps else tested.over_popularity
        if self.found.key != self.now.key and gain["MRR"].low > 0:
            return Verdict.CHANGE
        return Verdict.KEEP if keeps else Verdict.POPULARITY
