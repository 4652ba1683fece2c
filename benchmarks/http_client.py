"""Clients of the HTTP API, many in one process, each with a connection of its own and a ledger of what was answered."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import uvloop
from attrs import define, field, frozen

from application.event_message import as_message
from domain.interaction import Event

ACCEPTED = b"HTTP/1.1 202"


@frozen(kw_only=True)
class Answered:
    """The ledger: what clients were told, and how long each answer took."""

    accepted: Sequence[str]
    """Message ids that were answered 202."""
    refused: int
    latencies: Sequence[float]
    """Seconds from the first byte sent to the last one received."""
    seconds: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def send(host: str, port: int, events: Sequence[Event], clients: int, rate: float | None = None) -> Answered:
    """POST each event to /events, by so many clients at once, as fast as they get answers or at `rate` a second."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_send(host, port, events, clients, rate))


@define(eq=False)
class _Ledger:
    accepted: list[str] = field(factory=list)
    refused: int = 0
    latencies: list[float] = field(factory=list)


async def _send(host: str, port: int, events: Sequence[Event], clients: int, rate: float | None) -> Answered:
    start = time.perf_counter()
    due = [(start + number / rate if rate is not None else 0.0, event) for number, event in enumerate(events)]
    left, ledger = iter(due), _Ledger()
    await asyncio.gather(*(_one_client(host, port, left, ledger) for _ in range(clients)))
    return Answered(
        accepted=ledger.accepted,
        refused=ledger.refused,
        latencies=ledger.latencies,
        seconds=time.perf_counter() - start,
    )


async def _one_client(host: str, port: int, left: Iterator[tuple[float, Event]], ledger: _Ledger) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for due, event in left:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            request = request_of(as_message(event))
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            ledger.latencies.append(time.perf_counter() - began)
            if head.startswith(ACCEPTED):
                ledger.accepted.append(event.message_id)
            else:
                ledger.refused += 1
    finally:
        writer.close()


def request_of(message: Mapping[str, Any]) -> bytes:
    """The bytes of a request."""
    body = json.dumps(message).encode()
    headers = ("Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}")
    head = "\r\n".join(("POST /events HTTP/1.1", *headers, "", ""))
    return head.encode() + body


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
