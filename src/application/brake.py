"""The brake: what sends many logged events on their way again must not flood the outbox beside live traffic."""

from application.ports.outbox import Outbox

DEEPEST = 100_000
"""Rows in the outbox beyond which nobody adds logged events once more."""


class Brake:
    """Says when to wait for the outbox to be drained.

    The rows are counted only when what there was room for has been added. Others add meanwhile, so the bound is a
    rough one.
    """

    def __init__(self, outbox: Outbox, deepest: int = DEEPEST) -> None:
        self._outbox = outbox
        self._deepest = deepest
        self._room = 0
        self.depth = 0
        """How deep the outbox was when that was looked at last."""

    def added(self, rows: int) -> None:
        """Take note that so many rows have been added."""
        self._room -= rows

    @property
    def is_on(self) -> bool:
        """Whether the outbox is too deep to add more."""
        if self._room <= 0:
            self.depth = self._outbox.depth()
            self._room = self._deepest - self.depth
        return self._room <= 0
