"""Settings of how events are applied: how many at once, how often again, and when to look for lost ones."""

from datetime import timedelta

from pydantic import AliasChoices, BaseModel, Field

from application.retry_policy import RetryPolicy
from application.work import OnOutage

SMALL_LINGER_SECONDS = 0.01
"""So that events that come together are applied together, and none waits noticeably."""


class WorkSettings(BaseModel):
    """How workers, and commands on embedded parts, apply events."""

    batch_size: int = Field(
        default=4_000,
        ge=1,
        le=100_000,
        validation_alias=AliasChoices("PENCHANT_BATCH_SIZE"),
        description="deliveries that a command applies at once on embedded parts",
    )
    batch_enabled: bool = Field(
        default=False,
        validation_alias=AliasChoices("EMBEDDING_BATCH_ENABLED"),
        description="whether a worker waits for EMBEDDING_BATCH_WINDOW, so that events of a user share a write",
        examples=["true"],
    )
    batch_window_seconds: float = Field(
        default=5.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        validation_alias=AliasChoices("EMBEDDING_BATCH_WINDOW"),
        description="seconds that such a worker waits for more events",
    )
    max_retries: int = Field(
        default=5,
        ge=0,
        le=20,
        validation_alias=AliasChoices("WORKER_MAX_RETRIES"),
        description="tries after the first before an event is dead",
    )
    retry_delay_ms: int = Field(
        default=5_000,
        ge=1,
        le=3_600_000,
        validation_alias=AliasChoices("WORKER_RETRY_DELAY"),
        description="milliseconds before the first retry; each further one waits twice as long",
    )
    fan_out_retry_delays: str = Field(
        default="5000,30000,300000",
        pattern="^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8}){0,9}$",
        validation_alias=AliasChoices("PENCHANT_FANOUT_RETRY_DELAYS"),
        description="milliseconds before each retry of the other consumers, such as neo4j; then an event is dead there",
        examples=["1000,60000"],
    )
    on_outage: OnOutage = Field(
        default=OnOutage.WAIT,
        validation_alias=AliasChoices("PENCHANT_ON_OUTAGE"),
        description="wait until a part that is out of reach is back, or retry and let events die after the last try",
        examples=["retry"],
    )
    catch_up_seconds: float = Field(
        default=600,
        ge=1,
        allow_inf_nan=False,
        validation_alias=AliasChoices("PENCHANT_CATCH_UP_INTERVAL"),
        description="seconds after which the workers look for events that were lost on their way",
    )

    @property
    def fan_out_retry(self) -> RetryPolicy:
        """How often the other consumers try again, and after how long."""
        return RetryPolicy(delays_ms=tuple(map(int, self.fan_out_retry_delays.split(","))))

    @property
    def linger_seconds(self) -> float:
        """How long a worker waits for more deliveries once it has one."""
        return self.batch_window_seconds if self.batch_enabled else SMALL_LINGER_SECONDS

    @property
    def catch_up_interval(self) -> timedelta:
        """How long ago the last catch-up must be before a worker does the next."""
        return timedelta(seconds=self.catch_up_seconds)
