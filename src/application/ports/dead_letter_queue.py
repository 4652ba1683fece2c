"""The dead letter queue: where a broker keeps what was given up, until it is collected."""

from collections.abc import Collection, Sequence
from typing import Protocol

from attrs import frozen

from application.ports.dead_letters import DeadLetter


@frozen(kw_only=True)
class DeadDelivery:
    """A dead letter, handed out by the broker."""

    letter: DeadLetter
    tag: int
    """The queue's own mark of this delivery."""


class DeadLetterQueue(Protocol):
    """Hands out dead letters and forgets one only when told to. Raises UnavailableError when it cannot be reached."""

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        """Up to `limit` dead letters, oldest first; none when there are none now."""

    def forget(self, tags: Collection[int]) -> None:
        """These are kept elsewhere now."""

    def close(self) -> None:
        """Give back what was received and not forgotten. The next call opens it again."""
