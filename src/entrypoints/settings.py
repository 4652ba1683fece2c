"""Settings: all that can be set, checked and frozen."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from application.api_keys import ONE_LINE
from application.work import OnOutage
from domain.decay import Decay
from domain.errors import ConfigurationError
from domain.interaction import EventType
from domain.recipe import DEFAULT_DECAY, DEFAULT_WEIGHTS, MAX_WEIGHT, Recipe
from entrypoints.addresses import database_named_in, without_password
from entrypoints.secret_files import SecretFiles

DEFAULT_MONGODB_DATABASE = "penchant"


def _named(*names: str) -> AliasChoices:
    return AliasChoices(*names)


def _database_in(settings: Mapping[str, Any]) -> str:
    url = settings.get("mongodb_url")
    return database_named_in(url.get_secret_value()) if url is not None else ""


def _weight(event_type: EventType) -> float | None:
    field: float | None = Field(
        default=None,
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        validation_alias=_named(f"PENCHANT_WEIGHT_{event_type.upper()}"),
        description=f"what a {event_type} counts; by default as the active recipe says",
        examples=[DEFAULT_WEIGHTS[event_type]],
    )
    return field


def _rate_limit(variable: str, description: str, example: str) -> str | None:
    field: str | None = Field(
        default=None,
        pattern="^[1-9][0-9]{0,8}/(second|minute|hour|day)$",
        validation_alias=_named(variable),
        description=description,
        examples=[example],
    )
    return field


class Settings(BaseSettings):
    """What can be set, each by the environment variable named beside it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("penchant"),
        validation_alias=_named("PENCHANT_HOME"),
        description="the folder of the embedded data; by default the user's own folder for data of programs",
        examples=["my-shop"],
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=_named("DATABASE_URL"),
        description="MySQL or MariaDB for log, outbox, phrase vectors and dead letters",
        examples=["mysql://user:password@host/name"],
    )
    mongodb_url: SecretStr | None = Field(
        default=None,
        validation_alias=_named("MONGODB_URL"),
        description="MongoDB for user and product embeddings",
        examples=["mongodb://user:password@host/?authSource=penchant"],
    )
    mongodb_database: str = Field(
        default_factory=lambda earlier: _database_in(earlier) or DEFAULT_MONGODB_DATABASE,
        min_length=1,
        max_length=63,
        pattern=r"^[^/\\. \"$*<>:|?]+$",
        validation_alias=_named("MONGODB_DATABASE", "MONGODB_DB"),
        description="the database in MongoDB; by default the one that MONGODB_URL names, else penchant",
        examples=[DEFAULT_MONGODB_DATABASE],
    )
    broker_url: SecretStr | None = Field(
        default=None,
        validation_alias=_named("RABBITMQ_DSN"),
        description="the broker: RabbitMQ, or another transport of Kombu, such as redis://host",
        examples=["amqp://user:password@host/vhost"],
    )
    queue_type: str = Field(
        default="quorum",
        pattern="^(quorum|classic)$",
        validation_alias=_named("PENCHANT_QUEUE_TYPE"),
        description="quorum, or classic where another program has declared the queue so",
        examples=["classic"],
    )
    purchases_first: bool = Field(
        default=False,
        validation_alias=_named("PENCHANT_PURCHASES_FIRST"),
        description="whether purchases overtake everything else, on a queue of their own",
        examples=["true"],
    )
    max_message_bytes: int = Field(
        default=1_048_576,
        ge=1_024,
        validation_alias=_named("PENCHANT_MAX_MESSAGE_BYTES"),
        description="a larger message from the queue is dead at once",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=_named("REDIS_URL"),
        description="Redis in front of the stored phrase vectors, and for the counts of rate limits",
        examples=["redis://:password@host:6379/0"],
    )
    phrase_cache_ttl_seconds: int = Field(
        default=604_800,
        ge=1,
        validation_alias=_named("PENCHANT_PHRASE_CACHE_TTL"),
        description="seconds that a phrase vector stays in Redis",
    )
    phrase_cache_size: int = Field(
        default=20_000,
        ge=1,
        validation_alias=_named("PENCHANT_PHRASE_CACHE_SIZE"),
        description="phrase vectors in Redis at the most; about 7.5 kB each at 1536 dimensions",
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=_named("OPENAI_API_KEY"),
        description="embeddings by OpenAI or a compatible server instead of WordLlama",
        examples=["sk-…"],
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=_named("OPENAI_BASE_URL"),
        description="the compatible server",
        examples=["http://127.0.0.1:8000/v1"],
    )
    openai_model: str = Field(
        default="text-embedding-3-small",
        min_length=1,
        validation_alias=_named("OPENAI_EMBEDDING_MODEL"),
        description="the model there",
    )
    openai_dimensions: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        validation_alias=_named("PENCHANT_EMBEDDING_DIMENSIONS"),
        description="length of its vectors; by default the model's own",
        examples=[512],
    )
    decay_rate_per_day: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        validation_alias=_named("EMBEDDING_DECAY_LAMBDA"),
        description="decay a day, 0.023 is a half-life of about 30 days; by default as the active recipe says",
        examples=[0.023],
    )
    weight_purchase: float | None = _weight(EventType.PURCHASE)
    weight_search: float | None = _weight(EventType.SEARCH)
    weight_click: float | None = _weight(EventType.CLICK)
    weight_view: float | None = _weight(EventType.VIEW)
    batch_size: int = Field(
        default=4_000,
        ge=1,
        le=100_000,
        validation_alias=_named("PENCHANT_BATCH_SIZE"),
        description="deliveries that a command applies at once on embedded parts",
    )
    batch_enabled: bool = Field(
        default=False,
        validation_alias=_named("EMBEDDING_BATCH_ENABLED"),
        description="whether a worker waits for EMBEDDING_BATCH_WINDOW, so that events of a user share a write",
        examples=["true"],
    )
    batch_window_seconds: float = Field(
        default=5.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        validation_alias=_named("EMBEDDING_BATCH_WINDOW"),
        description="seconds that such a worker waits for more events",
    )
    max_retries: int = Field(
        default=5,
        ge=0,
        le=20,
        validation_alias=_named("WORKER_MAX_RETRIES"),
        description="tries after the first before an event is dead",
    )
    retry_delay_ms: int = Field(
        default=5_000,
        ge=1,
        le=3_600_000,
        validation_alias=_named("WORKER_RETRY_DELAY"),
        description="milliseconds before the first retry; each further one waits twice as long",
    )
    on_outage: OnOutage = Field(
        default=OnOutage.WAIT,
        validation_alias=_named("PENCHANT_ON_OUTAGE"),
        description="wait until a part that is out of reach is back, or retry and let events die after the last try",
        examples=["retry"],
    )
    api_keys: SecretStr | None = Field(
        default=None,
        validation_alias=_named("PENCHANT_API_KEYS"),
        description="keys of the HTTP API by their hashes, divided by spaces; `penchant keys new` makes one",
        examples=[ONE_LINE],
    )
    api_keys_file: Path | None = Field(
        default=None,
        validation_alias=_named("PENCHANT_API_KEYS_FILE"),
        description="a file of such keys, one a line; it is read again when it has changed",
        examples=["/etc/penchant/secrets/api_keys"],
    )
    rate_limit_per_key: str | None = _rate_limit(
        "PENCHANT_RATE_LIMIT_PER_KEY",
        "requests to record and to read that each API key may send, or without keys all callers; by default any number",
        "6000/minute",
    )
    rate_limit_per_user: str | None = _rate_limit(
        "PENCHANT_RATE_LIMIT_PER_USER",
        "requests about one user, except batches; by default any number",
        "120/minute",
    )
    http_timeout_seconds: float = Field(
        default=10,
        gt=0,
        le=600,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_HTTP_TIMEOUT"),
        description="seconds that a client of the HTTP API may take to send headers, to send a body, to take an answer",
    )
    http_max_connections: int = Field(
        default=800,
        ge=1,
        le=100_000,
        validation_alias=_named("PENCHANT_HTTP_MAX_CONNECTIONS"),
        description="connections to the HTTP API at once; each takes an open file, and a hundred are for other things",
    )
    catch_up_seconds: float = Field(
        default=600,
        ge=1,
        allow_inf_nan=False,
        validation_alias=_named("PENCHANT_CATCH_UP_INTERVAL"),
        description="seconds after which the workers look for events that were lost on their way",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As pydantic-settings asks for it: the environment, and the files that it names."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("mongodb_database")
    @classmethod
    def _one_database(cls, name: str, info: ValidationInfo) -> str:
        in_url = _database_in(info.data)
        if in_url not in ("", name):
            raise ConfigurationError(
                f"MONGODB_DATABASE is {name!r}, and MONGODB_URL names {in_url!r}. Name the database in one of them; "
                f"if {in_url!r} only knows the user, end MONGODB_URL with /?authSource={in_url} instead."
            )
        return name

    @property
    def database_path(self) -> Path:
        """The SQLite file of the embedded parts."""
        return self.home / "penchant.db"

    @property
    def linger_seconds(self) -> float:
        """How long a worker waits for more deliveries once it has one."""
        return self.batch_window_seconds if self.batch_enabled else SMALL_LINGER_SECONDS

    @property
    def catch_up_interval(self) -> timedelta:
        """How long ago the last catch-up must be before a worker does the next."""
        return timedelta(seconds=self.catch_up_seconds)

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

    def shown(self, name: str) -> str:
        """The value of a field as people may see it: without keys and passwords."""
        value = getattr(self, name)
        if value is None:
            return ""
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if name.endswith("_url"):
            return without_password(text)
        return "***" if isinstance(value, SecretStr) else text


SMALL_LINGER_SECONDS = 0.01
"""So that events that come together are applied together, and none waits noticeably."""
