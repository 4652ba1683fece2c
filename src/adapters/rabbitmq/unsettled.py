"""What a channel has delivered and nobody has acknowledged."""

from collections.abc import Collection, Iterator
from typing import Any


class Unsettled:
    """The tags of one channel in the order in which they came."""

    def __init__(self) -> None:
        self._tags: dict[Any, None] = {}

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._tags))

    def add(self, tag: Any) -> None:
        """A message with this tag has come."""
        self._tags[tag] = None

    def acknowledge(self, channel: Any, settled: Collection[Any], many_at_once: bool) -> None:
        """Acknowledge these on their channel: at once up to the first that is not settled, if that is possible."""
        remaining = dict.fromkeys(tag for tag in settled if tag in self._tags)
        first = []
        for tag in self._tags if many_at_once else ():
            if tag not in remaining:
                break
            first.append(tag)
        if first:
            channel.basic_ack(first[-1], multiple=True)
        for tag in first:
            del self._tags[tag], remaining[tag]
        for tag in remaining:
            channel.basic_ack(tag)
            del self._tags[tag]
