"""One connection to the broker: opened when needed, kept alive, used by one thread at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from adapters.rabbitmq.broker import Broker
from adapters.rabbitmq.failures import translated
from adapters.rabbitmq.frames import GatheredFrames
from domain.errors import PenchantError, UnavailableError

Session = TypeVar("Session")

BEATS_PER_HEARTBEAT = 4


class BrokerConnection(Generic[Session]):
    """A connection and what its user keeps for as long as it lasts: its session.

    A thread beats the heart while the user is busy elsewhere, and reads a little, so that the broker is seen to beat.

    Parameters
    ----------
    broker : where.
    opened : makes the session of a connection that has just been opened.
    """

    def __init__(self, broker: Broker, opened: Callable[[Any], Session]) -> None:
        self._broker = broker
        self._opened = opened
        self.frames = GatheredFrames()
        """What is written, within a session."""
        self._lock = threading.Lock()
        self._connection: Any = None
        self._session: Session | None = None
        self._stop_beating = threading.Event()
        self._beat_seconds = 0.0
        self._failure: PenchantError | None = None
        self._blocked = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The session, on an open connection that nobody else uses meanwhile.

        Raises
        ------
        UnavailableError : there is no connection, or it was lost; the session is gone, and the next call opens another.
        ConfigurationError : the broker refuses us.
        NotSetUpError : it lacks what `setup` makes.
        """
        with self._lock, self._translated():
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._session is None:
                self._open()
            assert self._session is not None  # noqa: S101  _open has set it
            yield self._session

    def drain(self, seconds: float) -> bool:
        """Within a session: wait for one thing from the broker, up to that long or less; return whether one came."""
        if self._beat_seconds:
            seconds = min(seconds, self._beat_seconds)
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError as error:
            if error.errno is not None:  # the network's own, not ours
                raise
            if seconds:
                self._connection.heartbeat_check()
            return False
        return True

    def refuse_if_blocked(self) -> None:
        """Within a session: raise UnavailableError while the broker takes no messages."""
        if self._blocked:
            raise UnavailableError(
                f"{self._broker.where} takes no messages at the moment, because it is short of memory or of space on"
                " its disk (`rabbitmq-diagnostics alarms` says which). Free some; publishing goes on by itself."
            )

    def close(self, farewell: Callable[[Session], None] = lambda _: None) -> None:
        """Close the connection if it is open, after a last use of its session. Raises nothing if it is broken."""
        with self._lock:
            self._failure = None
            if self._session is None:
                return
            # A broker that blocks us does not read our farewell either.
            if not self._blocked:
                with suppress(*self._errors):
                    farewell(self._session)
                    self._connection.release()
            self._drop()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PenchantError:
            if self._session is None:
                self._drop()
            raise
        except self._errors as error:
            self._drop()
            raise translated(error, self._broker.where) from error
        except BaseException:
            self._drop()  # interrupted in the middle of a frame, perhaps
            raise

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        if self._connection is None:
            return (OSError,)
        return (*self._connection.connection_errors, *self._connection.channel_errors)

    def _open(self) -> None:
        self._blocked = False
        self._connection = self._broker.connection(self.frames, self._on_blocked, self._on_unblocked)
        self._connection.ensure_connection(
            max_retries=max(len(self._connection.alt) - 1, 0), reraise_as_library_errors=False
        )
        self._session = self._opened(self._connection)
        self._beat_seconds = (self._connection.get_heartbeat_interval() or 0) / BEATS_PER_HEARTBEAT
        if self._beat_seconds:
            self._stop_beating = threading.Event()
            threading.Thread(
                target=self._beat, args=(self._stop_beating, self._beat_seconds), name="penchant-heartbeat", daemon=True
            ).start()

    def _drop(self) -> None:
        connection, self._connection, self._session = self._connection, None, None
        self._stop_beating.set()
        self._beat_seconds, self._blocked = 0.0, False
        if connection is not None:
            with suppress(*connection.connection_errors, *connection.channel_errors):
                connection.collect()

    def _beat(self, stop: threading.Event, seconds: float) -> None:
        while not stop.wait(seconds):
            with self._lock:
                if stop.is_set():
                    return
                try:
                    self.drain(0.0)
                    self._connection.heartbeat_check()
                except self._errors as error:
                    self._failure = translated(error, self._broker.where)
                    self._drop()

    def _on_blocked(self, *_: object) -> None:
        self._blocked = True

    def _on_unblocked(self, *_: object) -> None:
        self._blocked = False
