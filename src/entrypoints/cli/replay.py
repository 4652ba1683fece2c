"""`penchant replay`."""

from datetime import datetime
from typing import Annotated

import typer

from application.event_message import parse_time
from application.ports.event_log import LogFilter
from domain.errors import InvalidValueError
from domain.identifier import parse_identifier
from entrypoints.cli.outbox import until_drained
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.wiring import apply_all, penchant


def replay(
    user: Annotated[str | None, typer.Option(help="Only events of this user.")] = None,
    product: Annotated[str | None, typer.Option(help="Only events about this product.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Only what occurred then or later: a date, or RFC 3339.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Only what occurred before then.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The whole log.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and publish nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Publish logged events again. On a healthy system that changes nothing, since each counts once.

    Other consumers of the events see them again, too. To repair embeddings, `penchant rebuild` is shorter. While more
    than 100,000 events are on their way in the outbox it waits, and says so. It may be cut short at any time.

    Examples:

      penchant replay --user 17850 --dry-run

      penchant replay --from 2026-01-01 --to 2026-02-01 --product 85123A
    """
    events = LogFilter(
        user_id=parse_identifier("user_id", user) if user is not None else None,
        product_id=parse_identifier("product_id", product) if product is not None else None,
        occurred_from=_moment("--from", since),
        occurred_before=_moment("--to", until),
    )
    if (events == LogFilter()) != every:
        raise InvalidValueError("--user, --product, --from, --to or --all", "is needed", "say which events are meant")
    with penchant() as container:
        count = container.replay().count(events)
        if not dry_run and count:
            with progress("replaying", count) as advance:
                count = container.replay()(events, advance, until_drained(container))
            apply_all(container)
    if as_json:
        print_json({"events": count, "dry_run": dry_run})
    else:
        out.print(f"{count:,} events {'would be' if dry_run else 'have been'} published again")


def _moment(name: str, text: str | None) -> datetime | None:
    """A moment, or the first one of a day in UTC."""
    if text is None:
        return None
    return parse_time(name, f"{text}T00:00:00Z" if len(text) == len("2026-01-31") else text)
