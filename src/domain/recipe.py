"""The recipe: everything that decides which vector a log gives."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import Attribute, asdict, field, frozen, validators

from domain.decay import Decay
from domain.errors import InvalidValueError
from domain.interaction import EventType

DEFAULT_DECAY = Decay(rate_per_day=0.023)
"""Half-life about 30 days."""

MAX_WEIGHT = 1e6
"""So that sums of any number of events stay finite."""

DEFAULT_WEIGHTS: Mapping[EventType, float] = {
    EventType.PURCHASE: 1.0,
    EventType.SEARCH: 0.7,
    EventType.CLICK: 0.5,
    EventType.VIEW: 0.3,
}
"""How much an event of each type counts (ADR 0005). A negative weight speaks against a product."""


def _as_floats(weights: Mapping[EventType, float]) -> Mapping[EventType, float]:
    return {event_type: float(weight) for event_type, weight in weights.items()}


@frozen(kw_only=True)
class Recipe:
    """Decay, weights and embedding model together. States of different recipes are never merged (ADR 0006)."""

    decay: Decay = DEFAULT_DECAY
    weights: Mapping[EventType, float] = field(default=DEFAULT_WEIGHTS, converter=_as_floats)
    model: str = field(validator=validators.min_len(1))
    dimensions: int = field(validator=[validators.ge(1), validators.le(65_536)])

    @weights.validator
    def _check_weights(self, attribute: "Attribute[Any]", value: Mapping[EventType, float]) -> None:
        if set(value) != set(EventType) or not all(abs(weight) <= MAX_WEIGHT for weight in value.values()):
            problem = f"do not give each type a finite number between -{MAX_WEIGHT:,.0f} and {MAX_WEIGHT:,.0f}"
            remedy = f"give one for each of {', '.join(EventType)}"
            raise InvalidValueError(attribute.name, problem, remedy)
        if not any(value.values()):
            raise InvalidValueError(attribute.name, "are all 0, so that nothing counts", "give one another weight")

    def compares_with(self, model: str, embedding: npt.NDArray[np.float32] | None) -> bool:
        """Whether an embedding of this model is there and lies in the space of ours, whatever decay and weights."""
        return model == self.model and embedding is not None and embedding.shape == (self.dimensions,)

    def as_json(self) -> str:
        """The recipe as JSON with sorted keys: the same text for the same recipe."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """The recipe that `as_json` wrote."""
        fields = json.loads(text)
        return cls(
            decay=Decay(**fields["decay"]),
            weights={EventType(name): weight for name, weight in fields["weights"].items()},
            model=fields["model"],
            dimensions=fields["dimensions"],
        )

    @cached_property
    def id(self) -> str:
        """12 hexadecimal digits that differ when the recipe does."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:12]
