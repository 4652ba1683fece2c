"""Settings: read from the environment once, checked, and frozen."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.decay import Decay
from domain.errors import ConfigurationError
from domain.interaction import EventType
from domain.recipe import DEFAULT_DECAY, DEFAULT_WEIGHTS, MAX_WEIGHT


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """What can be set, each by the environment variable named beside it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("penchant"),
        validation_alias=_named("PENCHANT_HOME"),
        description="the folder of the embedded data",
    )
    decay_rate_per_day: float = Field(
        default=DEFAULT_DECAY.rate_per_day,
        ge=0,
        allow_inf_nan=False,
        validation_alias=_named("EMBEDDING_DECAY_LAMBDA"),
        description="decay a day; 0.023 is a half-life of about 30 days",
    )
    weight_purchase: float = Field(
        default=DEFAULT_WEIGHTS[EventType.PURCHASE],
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_WEIGHT_PURCHASE"),
        description="what a purchase counts",
    )
    weight_search: float = Field(
        default=DEFAULT_WEIGHTS[EventType.SEARCH],
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_WEIGHT_SEARCH"),
        description="what a search counts",
    )
    weight_click: float = Field(
        default=DEFAULT_WEIGHTS[EventType.CLICK],
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_WEIGHT_CLICK"),
        description="what a click counts",
    )
    weight_view: float = Field(
        default=DEFAULT_WEIGHTS[EventType.VIEW],
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_WEIGHT_VIEW"),
        description="what a view counts",
    )
    batch_size: int = Field(
        default=4_000,
        ge=1,
        le=100_000,
        validation_alias=_named("PENCHANT_BATCH_SIZE"),
        description="deliveries applied at once",
    )
    max_retries: int = Field(
        default=5,
        ge=0,
        validation_alias=_named("WORKER_MAX_RETRIES"),
        description="tries after the first before an event is dead",
    )
    retry_delay_ms: int = Field(
        default=5_000,
        ge=0,
        validation_alias=_named("WORKER_RETRY_DELAY"),
        description="milliseconds before the first retry; each further one waits twice as long",
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def decay(self) -> Decay:
        """The decay of the recipe."""
        return Decay(rate_per_day=self.decay_rate_per_day)

    @property
    def weights(self) -> dict[EventType, float]:
        """The weights of the recipe."""
        return {
            EventType.PURCHASE: self.weight_purchase,
            EventType.SEARCH: self.weight_search,
            EventType.CLICK: self.weight_click,
            EventType.VIEW: self.weight_view,
        }

    @property
    def database_path(self) -> Path:
        """The SQLite file of the embedded parts."""
        return self.home / "penchant.db"


def variable_of(name: str) -> str:
    """The environment variable of a field of Settings."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name


def load_settings() -> Settings:
    """Read the environment.

    Raises ConfigurationError that names the variable, its value's problem and an example.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        text = f"{first['loc'][0]} is {str(first.get('input'))[:40]!r}: {first['msg'].lower()}. Correct or unset it."
        raise ConfigurationError(text) from error
