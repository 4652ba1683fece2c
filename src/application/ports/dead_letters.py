"""Dead letters: deliveries that were given up, kept with the reason."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class DeadLetter:
    """A delivery that was given up.

    `message_id` is that of the event, or, where the message has none that can be used, "body-" and the first 32
    hexadecimal digits of the SHA-256 of its body. `user_id` is None where the message names nobody.
    """

    message_id: str
    user_id: str | None
    queue: str
    body: bytes
    """The message as it came."""
    error_type: str
    error_text: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime


@frozen(kw_only=True)
class DeadLetterFilter:
    """Which dead letters are meant: those that match everything that is given. Without anything: all."""

    message_id: str | None = None
    queue: str | None = None
    user_id: str | None = None
    error_type: str | None = None
    failed_before: datetime | None = None
    """Those that failed last before this moment."""


EVERY = DeadLetterFilter()
"""All dead letters."""


class DeadLetters(Protocol):
    """Dead letters by queue and message id. All calls raise TransientError when they cannot be reached."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these; one that is there already (same queue and message id) takes the new reason and time."""

    def among(self, message_ids: Collection[str], queues: Collection[str]) -> Collection[str]:
        """Which of these message ids are dead in any of these queues."""

    def list(self, limit: int, matching: DeadLetterFilter = EVERY) -> Sequence[DeadLetter]:
        """The latest `limit` dead letters that match, newest first."""

    def pages(self, matching: DeadLetterFilter, page: int) -> Iterator[Sequence[DeadLetter]]:
        """All that match, up to `page` at a time; those of a page may be removed before the next one is asked for."""

    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        """Forget these; ids that are not there are no error."""

    def purge(self, matching: DeadLetterFilter) -> int:
        """Forget all that match; return how many that were."""

    def count(self, matching: DeadLetterFilter = EVERY) -> int:
        """How many there are that match."""

    def counts(self) -> Mapping[str, int]:
        """How many there are of each queue that has any."""
