"""Traces: which steps an event went through, and how long each took."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

Fact = str | int | float


class Span(Protocol):
    """A step. Never a phrase, an id of a user, a body, a key or a password."""

    @property
    def trace(self) -> str | None:
        """Where those belong that follow it, as W3C's traceparent; None where nobody traces."""

    def note(self, **facts: Fact) -> None:
        """Add what has come out."""


class Tracer(Protocol):
    """Tells of steps. Whoever collects them may be away, which is never an error."""

    def span(self, name: str, follows: Iterable[str | None] = (), **facts: Fact) -> AbstractContextManager[Span]:
        """A step, for the time of a block. It is a part of the step around it, in the same thread or task.

        Where `follows` names steps of one trace, it belongs to that trace; where it names several traces, it begins one
        of its own with a link to each. What is None, or no traceparent, is left out.
        """

    def current(self) -> str | None:
        """Where those belong that follow the step that this code is in."""


class NoTracer:
    """Tells nobody. Cheap enough to be everywhere: `follows` is not even looked at."""

    trace: str | None = None

    def span(self, name: str, follows: Iterable[str | None] = (), **facts: Fact) -> "NoTracer":
        del name, follows, facts
        return self

    def current(self) -> str | None:
        return None

    def note(self, **facts: Fact) -> None:
        """Nobody listens."""

    def __enter__(self) -> "NoTracer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was begun."""


NO_TRACER = NoTracer()
