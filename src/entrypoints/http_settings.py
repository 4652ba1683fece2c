"""Settings of the HTTP API: who may use it, how often, and what a client may take."""

import re
from pathlib import Path

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from application.api_keys import ONE_LINE

_RATE_LIMIT = re.compile("[1-9][0-9]{0,8}/(second|minute|hour|day)")


def _rate_limit(variable: str, description: str, example: str) -> str | None:
    field: str | None = Field(
        default=None,
        validation_alias=AliasChoices(variable),
        description=description,
        examples=[example],
    )
    return field


class HttpSettings(BaseModel):
    """Keys and limits of the HTTP API."""

    api_keys: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("PENCHANT_API_KEYS"),
        description="keys of the HTTP API by their hashes, divided by spaces; `penchant keys new` makes one",
        examples=[ONE_LINE],
    )
    api_keys_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("PENCHANT_API_KEYS_FILE"),
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
        validation_alias=AliasChoices("PENCHANT_HTTP_TIMEOUT"),
        description="seconds that a client of the HTTP API may take to send headers, to send a body, to take an answer",
    )
    http_max_connections: int = Field(
        default=800,
        ge=1,
        le=100_000,
        validation_alias=AliasChoices("PENCHANT_HTTP_MAX_CONNECTIONS"),
        description="connections to the HTTP API at once; each takes an open file, and a hundred are for other things",
    )

    client_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("PENCHANT_CLIENT_KEY"),
        description="the API key with which `penchant events generate --http` sends events, of the scope ingest",
        examples=["pk_…"],
    )

    @field_validator("rate_limit_per_key", "rate_limit_per_user")
    @classmethod
    def _number_and_time(cls, limit: str | None) -> str | None:
        if limit is not None and not _RATE_LIMIT.fullmatch(limit):
            raise PydanticCustomError("rate_limit", "a number, a slash and second, minute, hour or day are needed")
        return limit
