"""`penchant failed`: what was given up, why, and trying it again."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from attrs import asdict
from rich.text import Text

from application.ports.dead_letters import EVERY, DeadLetter, DeadLetterFilter
from domain.errors import InvalidValueError
from entrypoints.cli.output import Json, ago, out, print_json, print_paragraph, progress, table
from entrypoints.cli.wiring import apply_all, looking, penchant
from entrypoints.container import Container

failed = typer.Typer(help="Dead letters: events that were given up.", no_args_is_help=True)

Error = Annotated[str | None, typer.Option("--error", help="Only this type of error, such as InvalidValueError.")]
Queue = Annotated[
    str | None, typer.Option("--queue", help="Only of this queue, such as events.neo4j or events.qdrant.")
]
User = Annotated[str | None, typer.Option("--user", help="Only of this user.")]
OlderThan = Annotated[
    float | None, typer.Option("--older-than", min=0, help="Only those that failed last so many hours ago.")
]
MessageId = Annotated[str | None, typer.Argument(help="The message id of one, as `failed list` shows it.")]
Every = Annotated[bool, typer.Option("--all", help="All of them.")]


@failed.command("list")
def list_failed(
    error: Error = None,
    queue: Queue = None,
    user: User = None,
    older_than: OlderThan = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, the newest first, each with its reason in short; `failed show` has the whole of it.

    Examples:

      penchant failed list

      penchant failed list --error RetractionRefusedError --older-than 24 --json

      penchant failed list --queue events.qdrant
    """
    with looking() as container:
        container.collect_dead_letters()()
        matching = _filter(container, None, error, queue, user, older_than)
        letters = container.dead_letters().list(limit, matching)
        count = container.dead_letters().count(matching)
        now = container.clock().now()
    if as_json:
        print_json({"count": count, "dead_letters": [_without_body(letter) for letter in letters]})
        return
    if not letters:
        out.print("There are no dead letters" + (" that match." if matching != DeadLetterFilter() else "."))
        return
    out.print(f"Dead letters: {count:,}", style="bold")
    for letter in letters:
        _print_in_short(letter, now)
    if count > len(letters):
        out.print(f"… and {count - len(letters):,} more; see --limit")


@failed.command("show")
def show_failed(
    message_id: Annotated[str, typer.Argument(help="The message id, as `failed list` shows it.")], as_json: Json = False
) -> None:
    """Show one dead letter with its message as it came.

    Example:

      penchant failed show order-4711
    """
    with looking() as container:
        container.collect_dead_letters()()
        letters = container.dead_letters().list(10, DeadLetterFilter(message_id=message_id))
    if not letters:
        raise InvalidValueError("message_id", f"{message_id!r} is no dead letter", "see penchant failed list")
    if as_json:
        print_json([_shown(letter) for letter in letters])
        return
    for letter in letters:
        rows = [(name.replace("_", " "), str(value)) for name, value in _shown(letter).items()]
        out.print(table(letter.message_id, ("", ""), rows))


@failed.command("retry")
def retry_failed(
    message_id: MessageId = None,
    error: Error = None,
    queue: Queue = None,
    user: User = None,
    older_than: OlderThan = None,
    every: Every = False,
    as_json: Json = False,
) -> None:
    """Send dead letters on their way again: one, those that match, or all.

    An event counts once however often it is retried. One that came from elsewhere and is refused again stays, with its
    new reason; the exit code is 1 then.

    Examples:

      penchant failed retry order-4711

      penchant failed retry --error UnavailableError

      penchant failed retry --all
    """
    with penchant() as container:
        container.collect_dead_letters()()
        matching = _meant(container, message_id, error, queue, user, older_than, every)
        with progress("retrying", container.dead_letters().count(matching)) as advance:
            report = container.retry_dead_letters()(matching, advance)
        apply_all(container)
    if as_json:
        print_json(asdict(report))
    else:
        out.print(f"{report.retried:,} on their way again, {report.refused:,} refused again")
    raise typer.Exit(1 if report.refused else 0)


@failed.command("purge")
def purge_failed(
    message_id: MessageId = None,
    error: Error = None,
    queue: Queue = None,
    user: User = None,
    older_than: OlderThan = None,
    every: Every = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Forget dead letters: one, those that match, or all.

    An event that is in the log stays there, and is tried again when workers catch up; one that nobody wants any more
    is taken back with `penchant record --retract`.

    Example:

      penchant failed purge --older-than 720 --yes
    """
    with penchant() as container:
        container.collect_dead_letters()()
        matching = _meant(container, message_id, error, queue, user, older_than, every)
        count = container.dead_letters().count(matching)
        if count and not yes and not typer.confirm(f"Forget {count:,} dead letters for good?", err=True):
            raise typer.Exit(1)
        purged = container.dead_letters().purge(matching)
    if as_json:
        print_json({"purged": purged})
    else:
        out.print(f"{purged:,} dead letters are forgotten")


def _meant(
    container: Container,
    message_id: str | None,
    error: str | None,
    queue: str | None,
    user: str | None,
    older_than: float | None,
    every: bool,
) -> DeadLetterFilter:
    """The filter of a command that changes something: one must be given, so that nobody means all by accident."""
    matching = _filter(container, message_id, error, queue, user, older_than)
    if every and matching != EVERY:
        raise InvalidValueError("--all", "comes with a message id or a filter", "leave one of them out")
    if not every and matching == EVERY:
        raise InvalidValueError("a message id, a filter or --all", "is needed", "say which are meant")
    if message_id is not None and not container.dead_letters().count(matching):
        raise InvalidValueError("message_id", f"{message_id!r} is no dead letter", "see penchant failed list")
    return matching


def _filter(
    container: Container,
    message_id: str | None,
    error: str | None,
    queue: str | None,
    user: str | None,
    older_than: float | None,
) -> DeadLetterFilter:
    before = container.clock().now() - timedelta(hours=older_than) if older_than is not None else None
    return DeadLetterFilter(message_id=message_id, error_type=error, queue=queue, user_id=user, failed_before=before)


def _print_in_short(letter: DeadLetter, now: datetime) -> None:
    """Names, which stay whole so that they can be copied, and as much of the reason as two lines hold."""
    names = Text.assemble(letter.message_id, (f"  {ago(letter.last_failed_at, now)}, {letter.queue}", "dim"))
    whose = f"user {letter.user_id}, " if letter.user_id is not None else ""
    out.print(names, soft_wrap=True)
    print_paragraph(f"{whose}{letter.error_type}: {letter.error_text}", indent=4, most_lines=2)


def _without_body(letter: DeadLetter) -> dict[str, object]:
    return asdict(letter, filter=lambda field, _: field.name != "body")


def _shown(letter: DeadLetter) -> dict[str, object]:
    return asdict(letter) | {"body": letter.body.decode(errors="replace")}
