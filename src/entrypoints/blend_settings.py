"""Settings of how recommendations are made of their sources."""

from pydantic import AliasChoices, BaseModel, Field, ValidationInfo, field_validator

from domain.blend import BOUGHT_WITH_HALF_LIFE_DAYS, MAX_WEIGHT, POPULARITY_HALF_LIFE_DAYS, Blend, Source
from domain.decay import Decay


def _weight(source: Source, what: str) -> float:
    field: float = Field(
        default=1.0,
        ge=0,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=AliasChoices(f"PENCHANT_BLEND_{source.upper()}"),
        description=f"what {what} weighs in recommendations, beside the other sources",
    )
    return field


def _half_life(variable: str, days: float, what: str) -> float:
    field: float = Field(
        default=days,
        ge=0.001,
        validation_alias=AliasChoices(variable),
        description=f"days after which {what} counts half; inf: as much as ever",
    )
    return field


class BlendSettings(BaseModel):
    """What `penchant tune` finds for a shop, beside the recipe."""

    blend_embedding: float = _weight(Source.EMBEDDING, "nearness to the user's embedding")
    blend_bought_with: float = _weight(Source.BOUGHT_WITH, "what others bought with the same (where NEO4J_URL is set)")
    blend_popular: float = _weight(Source.POPULAR, "popularity")
    popularity_half_life_days: float = _half_life(
        "PENCHANT_POPULARITY_HALF_LIFE", POPULARITY_HALF_LIFE_DAYS, "an interaction, in what is popular,"
    )
    bought_with_half_life_days: float = _half_life(
        "PENCHANT_BOUGHT_WITH_HALF_LIFE", BOUGHT_WITH_HALF_LIFE_DAYS, "a purchase, in what is bought together,"
    )

    @field_validator("blend_popular")
    @classmethod
    def _check_that_one_counts(cls, value: float, info: ValidationInfo) -> float:
        others = (info.data.get(f"blend_{source}", 1.0) for source in (Source.EMBEDDING, Source.BOUGHT_WITH))
        if value == 0 and not any(others):
            raise ValueError("is 0 as all other PENCHANT_BLEND_* are, so that there is nothing to recommend from")
        return value

    @property
    def blend(self) -> Blend:
        """The blend that is set."""
        return Blend(
            weights={source: getattr(self, f"blend_{source}") for source in Source},
            popularity=Decay.of_half_life(self.popularity_half_life_days),
            bought_with=Decay.of_half_life(self.bought_with_half_life_days),
        )
