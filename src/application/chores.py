"""Chores: what a worker does from time to time between batches, a piece at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import define, frozen

from application.ports.system import Clock, Journal, Stop
from domain.errors import ConfigurationError, PenchantError


@frozen(kw_only=True)
class Chore:
    """Something that is due again so many seconds after it was begun, and not before it is done.

    `begin` yields after each piece of bounded work what that piece has found (to be added up, falsy for nothing), or
    None where it has to wait for something. It holds nothing open meanwhile, because a batch may take any time, and it
    may never be asked for the next piece.
    """

    name: str
    every_seconds: float
    begin: Callable[[], Iterator[Any]]


@define(kw_only=True)
class _State:
    """How far a chore is."""

    due: float
    pieces: Iterator[Any] | None = None
    """Those that are left, while it is under way."""
    found: Any = None


class Chores:
    """A turn does one piece of each chore that is due or under way, so that no chore holds up batches or an end."""

    def __init__(self, chores: Sequence[Chore], stop: Stop, clock: Clock, journal: Journal) -> None:
        self._chores = chores
        self._stop = stop
        self._clock = clock
        self._journal = journal
        self._states = {chore.name: _State(due=clock.monotonic()) for chore in chores}

    def __call__(self) -> bool:
        """Do a turn; return whether there is more to do at once. A chore that fails begins anew when it is due.

        Raises
        ------
        ConfigurationError : a chore can never work.
        """
        more = False
        for chore in self._chores:
            if self._stop.asked:
                return False
            try:
                more |= self._go_on(chore)
            except ConfigurationError:
                raise
            except PenchantError as error:
                self._states[chore.name].pieces = None
                self._journal.warning("chore_failed", f"{chore.name} failed for now: {error}", chore=chore.name)
        return more

    def _go_on(self, chore: Chore) -> bool:
        """Do a piece of this chore if it is time; return whether there may be another one to do at once."""
        state, now = self._states[chore.name], self._clock.monotonic()
        if state.pieces is None:
            if now < state.due:
                return False
            state.due, state.found = now + chore.every_seconds, None
            state.pieces = chore.begin()
        try:
            piece = next(state.pieces)
        except StopIteration:
            state.pieces = None
            if state.found:
                self._journal.info("chore_done", f"{chore.name} has found work: {state.found}", chore=chore.name)
            return False
        if piece is None:
            return False
        state.found = piece if state.found is None else state.found + piece
        return True
