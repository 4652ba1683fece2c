"""The blend: how recommendations are made of their sources."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from attrs import Attribute, field, frozen

from domain.decay import Decay
from domain.errors import InvalidValueError


class Source(StrEnum):
    """What ranks products for a user."""

    EMBEDDING = "embedding"
    """Nearness to the user's embedding."""
    BOUGHT_WITH = "bought_with"
    """What others bought who bought the same."""
    POPULAR = "popular"
    """What everybody has had to do with lately."""


DEPTH = 200
"""So many of each source are joined. What is further down in all of them has no chance of a place that anybody sees."""
BASKET = 20
"""So many of the products that a user bought last say what others have bought with them."""
MAX_WEIGHT = 1000.0
POPULARITY_HALF_LIFE_DAYS = 7.0
BOUGHT_WITH_HALF_LIFE_DAYS = 14.0
_POPULARITY = Decay.of_half_life(POPULARITY_HALF_LIFE_DAYS)
_BOUGHT_WITH = Decay.of_half_life(BOUGHT_WITH_HALF_LIFE_DAYS)


def _as_floats(weights: Mapping[Source, float]) -> Mapping[Source, float]:
    return MappingProxyType({source: float(weight) for source, weight in weights.items()})


@frozen(kw_only=True)
class Blend:
    """What the sources weigh against each other, and how fast those fade that the recipe says nothing of.

    docs/evaluation.md says how the defaults were chosen.

    Parameters
    ----------
    weights : of each source in the reciprocal rank fusion, at least 0; 0: it is not asked.
    popularity : of an interaction, in what is popular.
    bought_with : of a purchase, in what is bought together.
    """

    weights: Mapping[Source, float] = field(default=dict.fromkeys(Source, 1.0), converter=_as_floats)
    popularity: Decay = _POPULARITY
    bought_with: Decay = _BOUGHT_WITH

    @weights.validator
    def _check_weights(self, attribute: "Attribute[Any]", value: Mapping[Source, float]) -> None:
        if set(value) != set(Source) or not all(0 <= weight <= MAX_WEIGHT for weight in value.values()):
            problem = f"do not give each source a number between 0 and {MAX_WEIGHT:,.0f}"
            raise InvalidValueError(attribute.name, problem, f"give one for each of {', '.join(Source)}")
        if not any(value.values()):
            raise InvalidValueError(attribute.name, "are all 0", "let at least one source count")

    def check_for(self, sources: Collection[Source]) -> None:
        """Raise InvalidValueError unless one of these sources, those that there are, weighs something."""
        if not any(self.weights[source] for source in sources):
            problem = f"lets none of the sources count that there are here: {', '.join(sources)}"
            remedy = f"set {' or '.join(f'PENCHANT_BLEND_{source.upper()}' for source in sources)} to more than 0"
            raise InvalidValueError("blend", problem, remedy)
