"""Settings of where everything is kept: the folder of the embedded parts, and the servers in place of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from platformdirs import user_data_path
from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from application.ports.queues import GRAPH_QUEUE, INDEX_QUEUE
from domain.errors import ConfigurationError
from entrypoints.addresses import database_named_in, has_stray_at

DEFAULT_MONGODB_DATABASE = "penchant"

ADDRESSES = {
    "database_url": "DATABASE_URL",
    "mongodb_url": "MONGODB_URL",
    "broker_url": "RABBITMQ_DSN",
    "redis_url": "REDIS_URL",
    "neo4j_url": "NEO4J_URL",
    "qdrant_url": "QDRANT_URL",
    "openai_base_url": "OPENAI_BASE_URL",
}
"""By field, the variable that holds an address."""

_NOT_IN_NAMES = re.compile(r"[/\\. \"$*<>:|?]")
"""Of databases, as MongoDB has them on any system."""


def _database_in(settings: Mapping[str, Any]) -> str:
    url = settings.get("mongodb_url")
    return database_named_in(url.get_secret_value()) if url is not None else ""


class ServerSettings(BaseModel):
    """Which parts there are, and at which addresses."""

    FAN_OUT: ClassVar[Mapping[str, str]] = {GRAPH_QUEUE: "neo4j_url", INDEX_QUEUE: "qdrant_url"}
    """The queues of the consumers beside that of the embeddings, each with the setting that switches it on."""

    home: Path = Field(
        default_factory=lambda: user_data_path("penchant"),
        validation_alias=AliasChoices("PENCHANT_HOME"),
        description="the folder of the embedded data; by default the user's own folder for data of programs",
        examples=["my-shop"],
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL"),
        description="MySQL or MariaDB for log, outbox, phrase vectors and dead letters",
        examples=["mysql://user:password@host/name"],
    )
    mongodb_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("MONGODB_URL"),
        description="MongoDB for user and product embeddings",
        examples=["mongodb://user:password@host/?authSource=penchant"],
    )
    mongodb_database: str = Field(
        default_factory=lambda earlier: _database_in(earlier) or DEFAULT_MONGODB_DATABASE,
        min_length=1,
        max_length=63,
        validation_alias=AliasChoices("MONGODB_DATABASE", "MONGODB_DB"),
        description="the database in MongoDB; by default the one that MONGODB_URL names, else penchant",
        examples=[DEFAULT_MONGODB_DATABASE],
    )
    broker_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("RABBITMQ_DSN"),
        description="the broker: RabbitMQ, or another transport of Kombu, such as redis://host",
        examples=["amqp://user:password@host/vhost"],
    )
    queue_type: Literal["quorum", "classic"] = Field(
        default="quorum",
        validation_alias=AliasChoices("PENCHANT_QUEUE_TYPE"),
        description="quorum, or classic where another program has declared the queue so",
        examples=["classic"],
    )
    purchases_first: bool = Field(
        default=False,
        validation_alias=AliasChoices("PENCHANT_PURCHASES_FIRST"),
        description="whether purchases overtake everything else, on a queue of their own",
        examples=["true"],
    )
    max_message_bytes: int = Field(
        default=1_048_576,
        ge=1_024,
        validation_alias=AliasChoices("PENCHANT_MAX_MESSAGE_BYTES"),
        description="a larger message from the queue is dead at once",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("REDIS_URL"),
        description="Redis in front of the stored phrase vectors, and for the counts of rate limits",
        examples=["redis://:password@host:6379/0"],
    )
    phrase_cache_ttl_seconds: int = Field(
        default=604_800,
        ge=1,
        validation_alias=AliasChoices("PENCHANT_PHRASE_CACHE_TTL"),
        description="seconds that a phrase vector stays in Redis",
    )
    phrase_cache_size: int = Field(
        default=20_000,
        ge=1,
        validation_alias=AliasChoices("PENCHANT_PHRASE_CACHE_SIZE"),
        description="phrase vectors in Redis at the most; about 7.5 kB each at 1536 dimensions",
    )
    neo4j_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("NEO4J_URL"),
        description="Neo4j 5 for the graph of users and products, which the consumer neo4j keeps",
        examples=["neo4j://user:password@host:7687"],
    )
    graph_phrases: bool = Field(
        default=False,
        validation_alias=AliasChoices("PENCHANT_GRAPH_PHRASES"),
        description="whether searches are in the graph, too; phrases are personal data",
        examples=["true"],
    )
    qdrant_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("QDRANT_URL"),
        description="Qdrant for an index of vectors, which the consumer qdrant keeps and searches for products ask",
        examples=["http://:api-key@host:6333"],
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_API_KEY"),
        description="embeddings by OpenAI or a compatible server instead of WordLlama",
        examples=["sk-…"],
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_BASE_URL"),
        description="the compatible server",
        examples=["http://127.0.0.1:8000/v1"],
    )
    openai_model: str = Field(
        default="text-embedding-3-small",
        min_length=1,
        validation_alias=AliasChoices("OPENAI_EMBEDDING_MODEL"),
        description="the model there",
    )
    openai_dimensions: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        validation_alias=AliasChoices("PENCHANT_EMBEDDING_DIMENSIONS"),
        description="length of its vectors; by default the model's own",
        examples=[512],
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator(*ADDRESSES)
    @classmethod
    def _escaped(cls, url: SecretStr | str | None, info: ValidationInfo) -> SecretStr | str | None:
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if text is not None and has_stray_at(text):
            raise ConfigurationError(
                f"{ADDRESSES[info.field_name or '']} has an @ behind the host. Write what is special in it, such as "
                "@ : / ? # % in the password, as %40 %3A %2F %3F %23 %25."
            )
        return url

    @field_validator("mongodb_database")
    @classmethod
    def _one_database(cls, name: str, info: ValidationInfo) -> str:
        if _NOT_IN_NAMES.search(name):
            raise PydanticCustomError(
                "database_name", 'no name of a database has one of / \\ . " $ * < > : | ? or a space'
            )
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
    def fan_out(self) -> tuple[str, ...]:
        """The queues of the consumers that are switched on, beside that of the embeddings."""
        return tuple(queue for queue, setting in self.FAN_OUT.items() if getattr(self, setting) is not None)
