"""A message source and its surroundings, as the contract tests drive them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from attrs import frozen

from application.ports.message_source import MessageSource
from domain.interaction import Event, LoggedEvent


@frozen(kw_only=True)
class SourceSide:
    """A message source and what a test does around it."""

    source: MessageSource
    send: Callable[[Sequence[Event]], Sequence[LoggedEvent]]
    """Log these events and have them delivered."""
    wait: Callable[[timedelta], None]
    """Let that much time pass, where time is the test's own; real brokers have short delays instead."""
    lose_consumer: Callable[[], None]
    """End the consumer before it has settled what it received."""
    dead: Callable[[], Mapping[str, str]]
    """The dead by message id, each with the text of its error."""
    patience_seconds: float = 0.0
    """How long a delivery may be on its way."""
