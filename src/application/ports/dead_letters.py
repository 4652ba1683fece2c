"""Dead letters: deliveries that were given up, kept with the reason."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class DeadLetter:
    """A delivery that was given up."""

    message_id: str
    user_id: str
    queue: str
    body: str
    """The message as it came, JSON."""
    error_type: str
    error_text: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime


class DeadLetters(Protocol):
    """Dead letters by queue and message id. All calls raise TransientError when they cannot be reached."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these; one that is there already (same queue and message id) takes the new reason and time."""

    def among(self, message_ids: Collection[str]) -> Collection[str]:
        """Which of these message ids are dead."""

    def list(self, limit: int) -> Sequence[DeadLetter]:
        """The latest `limit` dead letters, newest first."""

    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        """Forget these; ids that are not there are no error."""

    def count(self) -> int:
        """How many there are."""
