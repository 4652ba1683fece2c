"""The real clock and real random ids."""

import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class RandomIds:
    """UUIDs, version 4."""

    def new(self) -> str:
        return str(uuid.uuid4())
