"""Parts that can be examined and set up: what `doctor` and `setup` work on."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from attrs import frozen


class Health(StrEnum):
    """How well a part is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@frozen(kw_only=True)
class Finding:
    """One thing that was looked at.

    `text` says what was found, with the address (without its password) or the figure; `remedy` what to do about it,
    empty where nothing is to be done.
    """

    part: str
    """Such as "MySQL" or "RabbitMQ"."""
    subject: str
    """Such as "version", "latency", "permissions"."""
    health: Health
    text: str
    remedy: str = ""


class Examinable(Protocol):
    """A part that knows what can be wrong with it."""

    def examine(self) -> Sequence[Finding]:
        """Look at everything; what cannot be reached is a finding, not an exception. Changes nothing."""


class Installable(Protocol):
    """A part that needs tables, queues or indexes before it can work."""

    def install(self) -> Sequence[str]:
        """Make what is missing; return a sentence for each thing that was changed, none where all was there.

        May be called at any time, by several processes at once.

        Raises
        ------
        ConfigurationError : something is there and differs, or may not be made; the text says what, and the remedy.
        """
