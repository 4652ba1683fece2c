"""`penchant setup`, `rebuild` and `catch-up`."""

from datetime import timedelta
from typing import Annotated

import typer
from attrs import asdict

from domain.errors import InvalidValueError
from entrypoints.cli.outbox import until_drained
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.verification import known_users
from entrypoints.cli.wiring import apply_all, make_home, penchant, unchecked
from entrypoints.container import Container
from entrypoints.doctor import installables

MAX_MINUTES = 60 * 24 * 365 * 100


def setup(
    create_indexes: Annotated[
        bool, typer.Option("--create-indexes/--no-indexes", help="Whether MongoDB gets its indexes and validators.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Make or upgrade what the configured servers need: tables, queues, indexes. Safe to repeat, and while others work.

    On embedded parts every command does it by itself.

    Examples:

      penchant setup

      penchant setup --create-indexes
    """
    with unchecked() as container:
        make_home(container)
        parts = installables(container, create_indexes)
        changes = [change for part in parts for change in part.install()]
        revision = container.schema().revision()
        where = container.schema().where
    if as_json:
        print_json({"changed": bool(changes), "changes": changes, "revision": revision, "database": where})
        return
    for change in changes:
        out.print(change, markup=False, soft_wrap=True)
    out.print(f"{where} is {'now' if changes else 'already'} at revision {revision}.", markup=False, soft_wrap=True)
    if len(parts) > 1:
        out.print("Everything that the other servers need is there. `penchant doctor` examines it.")


def rebuild(
    user: Annotated[list[str] | None, typer.Option(help="This user; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All users, those of the log and those of the store.")] = False,
    as_json: Json = False,
) -> None:
    """Compute embeddings anew from the log, whatever is stored.

    Examples:

      penchant rebuild --user 17850

      penchant rebuild --all
    """
    if (user is None) != every:
        raise InvalidValueError("--user or --all", "is needed, not both", "say whom to rebuild")
    with penchant() as container:
        if user is not None:
            users = known_users(container, user)
            container.rebuild()(users)
            rebuilt = len(users)
        else:
            with progress("rebuilding", container.event_log().user_count()) as advance:
                rebuilt = container.rebuild().all(advance)
    if as_json:
        print_json({"rebuilt": rebuilt})
    else:
        out.print(f"{rebuilt:,} users rebuilt from the log")


def catch_up(
    older_than: Annotated[
        float, typer.Option(min=0, max=MAX_MINUTES, help="Minutes; what is younger may be on its way.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Find events that were recorded long ago and are not applied, and apply them.

    Heals a stored state that was lost or set back to a backup. While more than 100,000 events are on their way in the
    outbox it waits, and says so. It may be cut short at any time.

    Example:

      penchant catch-up --older-than 0
    """
    with penchant() as container:
        with progress("looking", container.event_log().user_count()) as advance:
            report = container.catch_up()(timedelta(minutes=older_than), advance, until_drained(container))
        apply_all(container)
    if as_json:
        print_json(asdict(report))
    else:
        out.print(
            f"{report.events:,} events of {report.users:,} users were behind" + _what_now(container, report.events)
        )
        if report.rebuilt:
            out.print(f"{report.rebuilt:,} users whose state was of another recipe or unreadable were rebuilt")


def _what_now(container: Container, events: int) -> str:
    if not events:
        return ""
    return " and are applied now" if container.applies_itself() else " and are on their way to the workers again"
