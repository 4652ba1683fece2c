"""Several processes in one, interleaved by hand: each stops before every call to a port until it is told to go on.

Only one of them ever runs, so a test decides the order of all calls, and the same decisions give the same run.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Semaphore, local
from typing import Any

MOST_ACTORS = 16


class KilledError(BaseException):
    """kill -9: no handler of the code under test may catch it, and nothing of it runs any more."""


class Actor:
    """A process that moves only while `step` or `kill` runs. Between them it stands before its next call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.next_call = ""
        self._go = Semaphore(0)
        self._stands = Semaphore(0)
        self._dies_before = self._dies_after = False
        self._future: Future[Any] = Future()

    @property
    def finished(self) -> bool:
        """Whether it came to its end or was killed."""
        return self._future.done()

    @property
    def result(self) -> Any:
        """What it returned; raises what it raised. Only when it is finished."""
        return self._future.result(timeout=0)

    def step(self) -> None:
        """Let it make its next call. Nothing happens if it is finished."""
        if not self.finished:
            self._go.release()
            self._stands.acquire()

    def run(self) -> Any:
        """Let it come to its end, and return its result."""
        while not self.finished:
            self.step()
        return self.result

    def run_to(self, call: str) -> None:
        """Let it go on until its next call is `call`, such as "MemoryOutbox.add"."""
        while not self.finished and self.next_call != call:
            self.step()

    def kill(self, after_call: bool = False) -> None:
        """Let it die where it stands: before its next call, or after that has taken effect and before it is told."""
        self._dies_before, self._dies_after = not after_call, after_call
        self.step()

    def begin(self, future: "Future[Any]") -> None:
        """Wait until the process stands before its first call."""
        self._future = future
        future.add_done_callback(lambda _: self._stands.release())
        self._stands.acquire()

    def make(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """In the process: stand still, then make the call."""
        self.next_call = name
        self._stands.release()
        self._go.acquire()
        if self._dies_before:
            raise KilledError
        try:
            return call(*args, **kwargs)
        finally:
            if self._dies_after:
                raise KilledError


class Interleaving:
    """Starts actors, and puts itself between them and their ports."""

    def __init__(self) -> None:
        self._here = local()
        self._actors: list[Actor] = []
        self._pool = ThreadPoolExecutor(MOST_ACTORS)

    def start(self, name: str, work: Callable[[], Any]) -> Actor:
        """A process that does `work`, standing before its first call to a port."""
        actor = Actor(name)

        def run() -> Any:
            self._here.actor = actor
            return work()

        actor.begin(self._pool.submit(run))
        self._actors.append(actor)
        return actor

    def through(self, port: Any) -> Any:
        """The port, each call of which waits for its actor's turn. Outside of actors it is as it was."""
        return _SteppedPort(port, self)

    def close(self) -> None:
        """Kill whatever is not finished, and end the threads."""
        for actor in self._actors:
            actor.kill()
        self._pool.shutdown()

    def make(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make a call when it is the turn of the actor in whose thread this runs."""
        actor: Actor | None = getattr(self._here, "actor", None)
        return call(*args, **kwargs) if actor is None else actor.make(name, call, *args, **kwargs)


class _SteppedPort:
    def __init__(self, port: Any, interleaving: Interleaving) -> None:
        self._port = port
        self._interleaving = interleaving

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        full_name = f"{type(self._port).__name__}.{name}"

        def stepped(*args: Any, **kwargs: Any) -> Any:
            result = self._interleaving.make(full_name, value, *args, **kwargs)
            return self._transaction(result, full_name) if hasattr(result, "__enter__") else result

        return stepped

    @contextmanager
    def _transaction(self, context: Any, name: str) -> Iterator[Any]:
        """A context whose block works on a stepped port, and whose end (the commit) is a call of its own."""
        value = context.__enter__()
        try:
            yield value if isinstance(value, Sequence) else _SteppedPort(value, self._interleaving)
        except BaseException:
            if not context.__exit__(*sys.exc_info()):
                raise
        else:
            try:
                self._interleaving.make(f"{name}.commit", context.__exit__, None, None, None)
            except KilledError:
                context.__exit__(*sys.exc_info())  # the other side sees that the process is gone, and lets go
                raise
