"""A client process: records what its script says, and repeats whatever was not answered."""

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import field, frozen

from application.event_message import parse_event
from application.record import Receipt, RecordEvents, RecordStatus
from domain.errors import TargetMissingError, TransientError
from entrypoints.container import Container
from entrypoints.variables import load_settings
from tests.chaos.ledger import Entry, Ledger, entries_of
from tests.chaos.script import Message

BATCHES = (1, 1, 3, 20, 80, 300)
PAUSE_SECONDS = 0.05
STEP_SECONDS = 2.0
"""Events come in bursts that far apart, so that there is mostly more to do than can be done at once."""


@frozen(kw_only=True)
class Task:
    """What a recorder is to do, as it stands in a file."""

    script: str
    ledger: str
    started_at: float
    """Unix time from which the pace counts, whatever dies in between."""
    rate: float
    """Messages a second."""

    def allowed(self, now: float) -> int:
        """How many messages of the script may have been sent by now."""
        steps = 1 + int((now - self.started_at) / STEP_SECONDS)
        return int(self.rate * STEP_SECONDS * steps)


@frozen(kw_only=True)
class Client:
    """Sends the messages of a script that its ledger does not have."""

    record: RecordEvents
    ledger: Ledger
    task: Task
    chooser: random.Random = field(factory=random.Random)

    def __call__(self, script: Sequence[Message], answered: set[int]) -> None:
        """Send them all, and again until each is answered."""
        waiting = [line for line in range(len(script)) if line not in answered]
        held_back: list[int] = []
        while waiting or held_back:
            allowed = self.task.allowed(time.time())
            ready = [line for line in waiting[: self.chooser.choice(BATCHES)] if line < allowed]
            del waiting[: len(ready)]
            batch = [*held_back, *ready]
            if not ready:
                time.sleep(PAUSE_SECONDS)
            if batch:
                held_back = self._send(batch, script)

    def _send(self, batch: Sequence[int], script: Sequence[Message]) -> list[int]:
        """Have these lines answered; return those whose event somebody else has yet to record."""
        receipts = self._answers([script[line] for line in batch])
        early = [line for line, receipt in zip(batch, receipts, strict=True) if _is_early(receipt)]
        self.ledger.add(
            [
                _entry(line, script[line], receipt)
                for line, receipt in zip(batch, receipts, strict=True)
                if not _is_early(receipt)
            ]
        )
        return early

    def _answers(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        submissions = [parse_event(message) for message in messages]
        while True:
            try:
                return self.record(submissions)
            except TransientError as error:
                sys.stderr.write(f"sent again: {error}\n")
                time.sleep(PAUSE_SECONDS)


def _is_early(receipt: Receipt) -> bool:
    return isinstance(receipt.error, TargetMissingError)


def _entry(line: int, message: Message, receipt: Receipt) -> Entry:
    if receipt.status is RecordStatus.REFUSED or receipt.logged is None:
        reason = str(receipt.error)
        return Entry(line=line, status="refused", message=message, accepted_as="", position=0, reason=reason)
    return Entry(
        line=line,
        status=receipt.status.value,
        message=message,
        accepted_as=receipt.logged.event.message_id,
        position=receipt.logged.position,
    )


def _messages(path: str) -> Iterator[Message]:
    with Path(path).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main(path: str) -> None:
    """Do the task in this file."""
    task = Task(**json.loads(Path(path).read_text(encoding="utf-8")))
    answered = {entry.line for entry in entries_of(Path(task.ledger))}
    container = Container(settings=load_settings())
    sys.stderr.write("started\n")
    with Ledger(Path(task.ledger)) as ledger:
        client = Client(record=container.record(), ledger=ledger, task=task)
        client(list(_messages(task.script)), answered)
    container.shutdown_resources()


if __name__ == "__main__":
    main(sys.argv[1])
