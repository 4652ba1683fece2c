"""Settings of what an event counts, and for how long."""

from pydantic import AliasChoices, BaseModel, Field

from domain.decay import Decay
from domain.interaction import EventType
from domain.recipe import DEFAULT_DECAY, DEFAULT_WEIGHTS, MAX_WEIGHT, Recipe


def _weight(event_type: EventType) -> float | None:
    field: float | None = Field(
        default=None,
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=AliasChoices(f"PENCHANT_WEIGHT_{event_type.upper()}"),
        description=f"what a {event_type} counts; by default as the active recipe says",
        examples=[DEFAULT_WEIGHTS[event_type]],
    )
    return field


class RecipeSettings(BaseModel):
    """What of the recipe is set; the rest is as the active one says."""

    decay_rate_per_day: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        validation_alias=AliasChoices("EMBEDDING_DECAY_LAMBDA"),
        description="decay a day, 0.023 is a half-life of about 30 days; by default as the active recipe says",
        examples=[0.023],
    )
    weight_purchase: float | None = _weight(EventType.PURCHASE)
    weight_search: float | None = _weight(EventType.SEARCH)
    weight_click: float | None = _weight(EventType.CLICK)
    weight_view: float | None = _weight(EventType.VIEW)

    def recipe(self, active: Recipe | None, model: str, dimensions: int) -> Recipe:
        """The recipe that this process is configured for: what is set, else what is active, else the defaults."""
        weights = active.weights if active is not None else DEFAULT_WEIGHTS
        decay = active.decay if active is not None else DEFAULT_DECAY
        return Recipe(
            decay=Decay(rate_per_day=self.decay_rate_per_day) if self.decay_rate_per_day is not None else decay,
            weights={**weights, **self.weights_set},
            model=model,
            dimensions=dimensions,
        )

    @property
    def weights_set(self) -> dict[EventType, float]:
        """The weights that are set."""
        of_type = {event_type: getattr(self, f"weight_{event_type}") for event_type in EventType}
        return {event_type: weight for event_type, weight in of_type.items() if weight is not None}
