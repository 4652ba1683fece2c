"""Frames of py-amqp: read so that what nobody can parse costs no connection, and written many at a time."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import FrameSyntaxError
from amqp.method_framing import frame_handler, frame_writer

_CONTENT_HEADER = 2
_WITHOUT_PROPERTIES = 12
"""Bytes of a content header before its properties: class, weight, size of the body."""
_UNREADABLE = (ValueError, OverflowError, OSError, LookupError, TypeError, struct.error, FrameSyntaxError)

_PIECE_BYTES = 64 * 1024

Frame = tuple[int, int, bytes]


def lenient_frame_handler(connection: Any, callback: Callable[..., Any]) -> Callable[[Frame], bool]:
    """py-amqp's handler of frames; a message whose properties it cannot read comes without any.

    A time beyond the year 9999 (milliseconds taken for seconds) or a text that is not UTF-8 would otherwise end the
    connection, and the message would be delivered again, for ever.
    """
    handle: Callable[[Frame], bool] = frame_handler(connection, callback)

    def on_frame(frame: Frame) -> bool:
        if frame[0] != _CONTENT_HEADER:
            return handle(frame)
        try:
            return handle(frame)
        except _UNREADABLE:
            kind, channel, content = frame
            return handle((kind, channel, bytes(content[:_WITHOUT_PROPERTIES]) + b"\0\0"))

    return on_frame


class GatheredFrames:
    """Writes the frames of one connection, and inside `gathered` in large pieces instead of a system call each.

    The broker gains as well: it wakes up and answers by the piece.
    """

    def __init__(self) -> None:
        self._send: Callable[[bytes | bytearray], None] | None = None
        self._waiting = bytearray()
        self._is_gathering = False

    def writer(self, connection: Any, transport: Any) -> Callable[..., None]:
        """py-amqp's writer of frames for a connection that has just been opened, as its `frame_writer` is called."""
        self._send, self._waiting, self._is_gathering = transport.write, bytearray(), False
        writer: Callable[..., None] = frame_writer(connection, self)
        return writer

    def write(self, frame: bytes | memoryview) -> None:
        """Take a whole frame. Raises as the socket does."""
        self._waiting += frame
        if not self._is_gathering or len(self._waiting) >= _PIECE_BYTES:
            self._flush()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Gather what is written inside, where nothing may be read: the answer could be to what still waits.

        Raises as the socket does.
        """
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False
        self._flush()

    def _flush(self) -> None:
        if self._waiting and self._send is not None:
            waiting, self._waiting = self._waiting, bytearray()
            self._send(waiting)
