"""The publisher: where the relay puts events."""

from collections.abc import Sequence
from typing import Protocol

from domain.interaction import LoggedEvent


class Publisher(Protocol):
    """A broker's side that takes events."""

    def publish(self, events: Sequence[LoggedEvent]) -> None:
        """Return when the broker has every one of these for good; it may then have some of them twice.

        Raises TransientError when it is not known to have all of them: publish all of them again.
        """
