"""`penchant verify`."""

import random
from collections.abc import Iterator
from typing import Annotated

import typer
from attrs import asdict
from rich.markup import escape

from application.fold_from_log import USERS_AT_ONCE
from application.rebuild import pages_of_users
from application.verify import VerifyReport
from domain.errors import InvalidValueError
from domain.identifier import parse_identifier
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.wiring import looking
from entrypoints.container import Container
from entrypoints.parallel import processes_for, verify_pages

MISMATCHES_SHOWN = 20


def verify(
    user: Annotated[list[str] | None, typer.Option(help="Only this user; may be repeated.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many users, chosen at random.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All users; the default.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that share the work; by the number of users, if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove the stored embeddings: compute them anew from the log and compare.

    For each user exactly the events are taken that the stored embedding says it has applied, so nothing has to stand
    still for it. Exit code 1 if any differs by more than rounding.

    Examples:

      penchant verify --all

      penchant verify --sample 500 --json
    """
    if sum((user is not None, sample is not None, every)) > 1:
        raise InvalidValueError("--user, --sample and --all", "exclude each other", "give one of them")
    with looking() as container:
        report = _verify(container, user, sample, processes)
    if as_json:
        print_json(_verification(report))
    else:
        print_verification(report)
    raise typer.Exit(1 if report.mismatches else 0)


def _verification(report: VerifyReport) -> dict[str, object]:
    return asdict(report) | {
        "mismatches": len(report.mismatches),
        "mismatched_users": [asdict(mismatch) for mismatch in report.mismatches],
    }


def _verify(container: Container, user: list[str] | None, sample: int | None, processes: int | None) -> VerifyReport:
    users: list[str] | None = None
    if user is not None:
        users = known_users(container, user)
    elif sample is not None:
        known = [user_id for page in pages_of_users(container.event_log()) for user_id in page]
        users = random.sample(known, min(sample, len(known)))
    count = len(users) if users is not None else container.event_log().user_count()
    pages = _pages_of(users) if users is not None else container.verify().pages()
    processes = processes if processes is not None else processes_for(count)
    with progress("verifying", count) as advance:
        if processes > 1:
            return verify_pages(container.settings(), pages, processes, advance)
        report = VerifyReport()
        for some in pages:
            report += container.verify()(some)
            advance(len(some))
        return report


def _pages_of(users: list[str]) -> Iterator[list[str]]:
    return (users[start : start + USERS_AT_ONCE] for start in range(0, len(users), USERS_AT_ONCE))


def known_users(container: Container, user: list[str]) -> list[str]:
    """These users without repeats; raises InvalidValueError where one has no events."""
    users = list(dict.fromkeys(parse_identifier("user_id", one) for one in user))
    unknown = set(users) - set(container.event_log().heads_of(users))
    if unknown:
        raise InvalidValueError("--user", f"{min(unknown)!r} has no events", "check the id")
    return users


def print_verification(report: VerifyReport) -> None:
    """Say what verify found, the first mismatches by name."""
    for mismatch in report.mismatches[:MISMATCHES_SHOWN]:
        out.print(f"[red]✗[/red] user {escape(mismatch.user_id)} {escape(mismatch.reason)}")
    counted = f"{report.users:,} users, {report.events:,} events"
    lag = f"lag {report.lag:,}, waiting for a product {report.waiting:,}"
    if report.mismatches:
        out.print(f"[bold red]{len(report.mismatches):,} of {counted} do not match the log[/bold red] ({lag})")
        out.print("`penchant rebuild --user …` computes one anew from the log; find out first who changed it.")
    else:
        out.print(
            f"[bold green]✓[/bold green] {counted}: every embedding equals the log.\n"
            f"  Largest difference {report.max_error:.1e} of its length; {lag}."
        )
        if report.lag:
            text = (
                f"{report.lag:,} events are recorded and not in an embedding yet; if no worker runs and brings them in,"
            )
            out.print(f"[yellow]![/yellow] {text} `penchant catch-up --older-than 0` does.")
