"""Frames of py-amqp, read so that properties nobody can parse do not cost the connection."""

import struct
from collections.abc import Callable
from typing import Any

from amqp.exceptions import FrameSyntaxError
from amqp.method_framing import frame_handler

_CONTENT_HEADER = 2
_WITHOUT_PROPERTIES = 12
"""Bytes of a content header before its properties: class, weight, size of the body."""
_UNREADABLE = (ValueError, OverflowError, OSError, LookupError, TypeError, struct.error, FrameSyntaxError)

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
