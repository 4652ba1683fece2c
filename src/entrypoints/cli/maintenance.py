"""`penchant setup`, `rebuild` and `catch-up`."""

from datetime import timedelta
from typing import Annotated

import typer
from attrs import asdict

from application.catch_up import CatchUpReport
from application.rebuild import RebuildUsers
from application.rebuild_index import RebuildIndex
from application.rebuild_projection import RebuildProjection
from domain.errors import InvalidValueError
from entrypoints.cli.outbox import until_drained
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.queues import OfQueue
from entrypoints.cli.verification import known_users
from entrypoints.cli.wiring import apply_all, make_home, penchant, unchecked
from entrypoints.consumers import ALL, EMBEDDINGS, INDEX, other_consumers
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
    queue: OfQueue = EMBEDDINGS,
    as_json: Json = False,
) -> None:
    """Compute anew what is kept of users, whatever is there: embeddings and graph from the log, index from the store.

    Examples:

      penchant rebuild --user 17850

      penchant rebuild --all

      penchant rebuild --all --queue neo4j

      penchant rebuild --user 17850 --queue qdrant
    """
    if (user is None) != every:
        raise InvalidValueError("--user or --all", "is needed, not both", "say whom to rebuild")
    with penchant() as container:
        users = known_users(container, user) if user is not None else None
        others = other_consumers(container, queue)
        everyone = [container.rebuild()] if queue in (EMBEDDINGS, ALL) else []
        for rebuilding in [*everyone, *(consuming.rebuild() for consuming in others)]:
            rebuilt = _rebuild(container, rebuilding, users)
    if as_json:
        print_json({"rebuilt": rebuilt})
    else:
        out.print(f"{rebuilt:,} users rebuilt from the {'store' if queue == INDEX else 'log'}")


def _rebuild(
    container: Container, rebuilding: RebuildUsers | RebuildProjection | RebuildIndex, users: list[str] | None
) -> int:
    if users is not None:
        rebuilding(users)
        return len(users)
    with progress("rebuilding", container.event_log().user_count()) as advance:
        return rebuilding.all(advance)


def catch_up(
    older_than: Annotated[
        float, typer.Option(min=0, max=MAX_MINUTES, help="Minutes; what is younger may be on its way.")
    ] = 10,
    queue: OfQueue = EMBEDDINGS,
    as_json: Json = False,
) -> None:
    """Find events that were recorded long ago and are not applied, and apply them.

    Heals a stored state that was lost or set back to a backup, and brings to graph and index what their queues have
    dropped. While more than 100,000 events are on their way in the outbox it waits, and says so. It may be cut short.
    Points of the index are held against the stores, so that it is what was written there long ago that is brought.

    Examples:

      penchant catch-up --older-than 0

      penchant catch-up --queue neo4j

      penchant catch-up --queue qdrant
    """
    older, report = timedelta(minutes=older_than), CatchUpReport()
    with penchant() as container:
        others = other_consumers(container, queue)
        if queue in (EMBEDDINGS, ALL):
            with progress("looking", container.event_log().user_count()) as advance:
                report += container.catch_up()(older, advance, until_drained(container))
            apply_all(container)
        for consuming in others:
            with progress(f"looking into {consuming.name}", container.event_log().user_count()) as advance:
                report += consuming.catch_up()(older, advance)
    if as_json:
        print_json(asdict(report))
    else:
        if queue != INDEX:
            what_now = _what_now(container, queue, report.events)
            out.print(f"{report.events:,} events of {report.users:,} users were behind{what_now}")
        if report.points or queue == INDEX:
            out.print(f"{report.points:,} points of the index were not what is stored, and are now")
        if report.rebuilt:
            out.print(f"{report.rebuilt:,} users whose state was of another recipe or unreadable were rebuilt")


def _what_now(container: Container, queue: str, events: int) -> str:
    if not events:
        return ""
    if queue not in (EMBEDDINGS, ALL):
        return f" and are in {queue} now"
    return " and are applied now" if container.applies_itself() else " and are on their way to the workers again"
