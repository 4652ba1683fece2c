"""`penchant record` and `penchant events import`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from application.event_message import FIELDS, Submission, parse_event
from application.record import Receipt, RecordStatus
from domain.errors import PenchantError, RetractionRefusedError
from domain.interaction import EventType, Interaction, Retraction
from entrypoints.cli.files import Format, Record, Rejects, read_records, size_of
from entrypoints.cli.output import Json, file_progress, out, print_json, warn
from entrypoints.cli.wiring import apply_or_tell, penchant, told
from entrypoints.container import Container

BATCH = 4_000


def record(
    user: Annotated[str, typer.Option(help="Who did it.", show_default=False)],
    event: Annotated[EventType | None, typer.Option(help="What was done.", show_default=False)] = None,
    product: Annotated[str | None, typer.Option(help="The product viewed, clicked or purchased.")] = None,
    phrase: Annotated[str | None, typer.Option(help="The words searched for.")] = None,
    at: Annotated[str | None, typer.Option(help="When, RFC 3339 with an offset; now, if left out.")] = None,
    message_id: Annotated[str | None, typer.Option(help="Your id: repeating it is safe. Random, if left out.")] = None,
    retract: Annotated[str | None, typer.Option(help="Take back the event with this message id.")] = None,
    as_json: Json = False,
) -> None:
    """Record one event, and apply it.

    Examples:

      penchant record --user 17850 --event purchase --product 85123A

      penchant record --user 17850 --event search --phrase "red teapot"

      penchant record --user 17850 --retract 0b5a3c9e-6d7f-4a3b-9b1e-2f1d6c7a8b90
    """
    message = {
        "user_id": user,
        "event_type": event,
        "product_id": product,
        "search_phrase": phrase,
        "occurred_at": at,
        "message_id": message_id,
        "retracts": retract,
    }
    with penchant() as container:
        submission = parse_event(message, now=container.clock().now(), message_id=container.ids().new())
        (receipt,) = container.record()([submission])
        if receipt.error is not None:
            raise receipt.error
        trouble = apply_or_tell(container)
        effect = _effect(container, receipt) if trouble is None else f"not applied yet: {trouble}"
    logged = receipt.logged
    message_id = logged.event.message_id if logged is not None else receipt.message_id
    if as_json:
        position = logged.position if logged is not None else None
        print_json({"message_id": message_id, "status": receipt.status, "position": position, "effect": effect})
    else:
        out.print(f"[bold]{receipt.status}[/bold] as {escape(message_id)}; {escape(effect)}", soft_wrap=True)


def _effect(container: Container, receipt: Receipt) -> str:
    logged = receipt.logged
    if logged is None:
        return "none"
    state = container.store().read([logged.event.user_id]).get(logged.event.user_id)
    if state is not None and logged.position in state.applied:
        return "applied"
    product_id = logged.event.product_id if isinstance(logged.event, Interaction) else None
    if product_id is not None and container.catalogue().unknown([product_id]):
        return f"waiting until product {product_id} is imported"
    return "waiting; see penchant stats" if container.applies_itself() else "on its way to the workers"


def import_events(
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV in the message format; - for standard input.")],
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Otherwise by the file's name: .csv is CSV.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record all events of a file, and apply them.

    Each needs message_id, user_id and occurred_at, and either event_type with product_id or search_phrase, or retracts
    (the message_id of the event to take back). user_session and properties (a JSON object) are optional.
    A bad line is reported and goes to FILE.rejects.jsonl; the rest goes on. Importing a file again changes nothing. A
    retraction may stand before the event that it takes back.

    Examples:

      penchant events import events.jsonl

      zcat events.csv.gz | penchant events import - --format csv
    """
    with penchant() as container, Rejects(file) as rejects:
        importing = _Import(container, rejects)
        with file_progress("recording", size_of(file)) as advance:
            for entry in read_records(file, file_format, FIELDS):
                importing.add(entry)
                advance(len(entry.raw) + 1)
            importing.finish()
        trouble = importing.trouble if importing.trouble is not None else apply_or_tell(container)
        counts = {
            "recorded": importing.counts[RecordStatus.RECORDED],
            "repeated": importing.counts[RecordStatus.REPEATED],
            "refused": rejects.count,
            "rejects_file": str(rejects.path) if rejects.count else None,
            "waiting": importing.waiting() if trouble is None else None,
            "trouble": trouble,
        }
        on_their_way = importing.counts[RecordStatus.RECORDED] and not container.applies_itself()
    if as_json:
        print_json(counts)
    else:
        summary = f"{counts['recorded']:,} recorded, {counts['repeated']:,} repeated, {counts['refused']:,} refused"
        out.print(summary + ("; on their way to the workers" if on_their_way else ""))
        if counts["waiting"]:
            text = f"{counts['waiting']:,} of them wait for products that are not in the catalogue; see penchant stats"
            out.print(text)
        if rejects.count:
            out.print(f"The refused lines are in {rejects.path}, each with its reason.", markup=False)
    if trouble is not None:
        warn(f"What is recorded stays, and is not applied yet: {trouble}")
    raise typer.Exit(1 if rejects.count or trouble is not None else 0)


class _Import:
    """Records the events of a file in batches, and applies as it goes."""

    def __init__(self, container: Container, rejects: Rejects) -> None:
        self._container = container
        self._rejects = rejects
        self._batch: list[tuple[Record, Submission]] = []
        self._held_back: list[tuple[Record, Submission]] = []
        """Retractions whose target has not come yet; it may still stand further down in the file."""
        self.counts: Counter[RecordStatus] = Counter()
        self._products: Counter[str] = Counter()
        """How many events this import brought for each product."""
        self.trouble: str | None = None
        """Why what is recorded cannot be applied; recording goes on."""

    def waiting(self) -> int:
        """How many of the events wait for a product that is not in the catalogue."""
        return sum(self._products[product] for product in self._container.catalogue().unknown(self._products))

    def add(self, entry: Record) -> None:
        """Take one record of the file."""
        if entry.fields is None:
            self._rejects.add(entry, entry.error or ValueError("unreadable"))
            return
        try:
            self._batch.append((entry, parse_event(entry.fields)))
        except PenchantError as error:
            self._rejects.add(entry, error)
        if len(self._batch) >= BATCH:
            self._held_back += self._record(self._batch)
            self._batch = []
            if self._container.applies_itself() and self.trouble is None:
                self.trouble = told(lambda: self._container.work().drain(BATCH))

    def finish(self) -> None:
        """Record what is left, the retractions that were held back last."""
        self._held_back += self._record(self._batch)
        for start in range(0, len(self._held_back), BATCH):
            some = self._held_back[start : start + BATCH]
            for (entry, _), receipt in zip(some, self._container.record()([s for _, s in some]), strict=True):
                self._count(entry, receipt)

    def _record(self, batch: Sequence[tuple[Record, Submission]]) -> list[tuple[Record, Submission]]:
        held_back = []
        receipts = self._container.record()([submission for _, submission in batch])
        for (entry, submission), receipt in zip(batch, receipts, strict=True):
            if isinstance(receipt.error, RetractionRefusedError) and isinstance(submission.event, Retraction):
                held_back.append((entry, submission))
            else:
                self._count(entry, receipt)
        return held_back

    def _count(self, entry: Record, receipt: Receipt) -> None:
        self.counts[receipt.status] += 1
        event = receipt.logged.event if receipt.logged is not None else None
        if isinstance(event, Interaction) and event.product_id is not None:
            self._products[event.product_id] += 1
        if receipt.error is not None:
            self._rejects.add(entry, receipt.error)
