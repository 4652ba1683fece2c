"""Frames to the broker go out in large pieces while many are written, and at once otherwise."""

from types import SimpleNamespace

import pytest

from adapters.rabbitmq.frames import GatheredFrames

HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"


class Pieces:
    """In the place of py-amqp's transport: what each call of the socket would have sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray) -> None:
        self.sent.append(bytes(data))


class Broken:
    """A transport whose other end is gone."""

    def write(self, data: bytes | bytearray) -> None:
        raise ConnectionResetError


def beat(frames: GatheredFrames, transport: Pieces | Broken, times: int) -> None:
    write = frames.writer(SimpleNamespace(frame_max=131_072, bytes_sent=0), transport)
    with frames.gathered():
        for _ in range(times):
            write(8, 0, None, None, None)


def test_many_frames_are_few_pieces_and_nothing_is_missing() -> None:
    transport = Pieces()

    beat(GatheredFrames(), transport, 20_000)

    assert len(transport.sent) == 3
    assert b"".join(transport.sent) == HEARTBEAT * 20_000


def test_a_frame_that_is_not_gathered_goes_out_at_once_and_after_what_waited() -> None:
    frames, transport = GatheredFrames(), Pieces()
    write = frames.writer(SimpleNamespace(frame_max=131_072, bytes_sent=0), transport)

    def interrupted() -> None:
        with frames.gathered():
            write(8, 0, None, None, None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert transport.sent == []

    write(8, 0, None, None, None)

    assert transport.sent == [HEARTBEAT * 2]


def test_another_connection_gets_nothing_that_waited_for_the_last() -> None:
    frames, transport = GatheredFrames(), Pieces()
    with pytest.raises(ConnectionResetError):
        beat(frames, Broken(), 2)

    beat(frames, transport, 1)

    assert transport.sent == [HEARTBEAT]
