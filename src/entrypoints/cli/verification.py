"""`penchant verify`."""

import random
from collections.abc import Iterator
from typing import Annotated

import typer
from attrs import asdict
from rich.markup import escape

from application.fold_from_log import USERS_AT_ONCE
from application.rebuild import pages_of_users
from application.verify import VerifyReport, VerifyUsers
from domain.errors import ConfigurationError, InvalidValueError
from domain.identifier import parse_identifier
from entrypoints.cli.output import Json, out, print_json, progress
from entrypoints.cli.queues import OfQueue
from entrypoints.cli.wiring import looking
from entrypoints.consumers import ALL, EMBEDDINGS, other_consumers
from entrypoints.container import Container
from entrypoints.parallel import processes_for, verify_pages
from entrypoints.proofs import Proof

MISMATCHES_SHOWN = 20


def verify(
    user: Annotated[list[str] | None, typer.Option(help="Only this user; may be repeated.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many users, chosen at random.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All users; the default.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that share the work; by the number of users, if left out."),
    ] = None,
    queue: OfQueue = EMBEDDINGS,
    as_json: Json = False,
) -> None:
    """Prove what is stored, embeddings, graph or index: compute it anew from the log, or from the store, and compare.

    For each user exactly the events are taken that the stored embedding, or the graph, says it has applied; a point of
    the index is held against the very state that it says it was made from. So nothing has to stand still for it. Exit
    code 1 if any differs by more than rounding.

    Examples:

      penchant verify --all

      penchant verify --sample 500 --json

      penchant verify --queue qdrant

      penchant verify --queue all
    """
    if sum((user is not None, sample is not None, every)) > 1:
        raise InvalidValueError("--user, --sample and --all", "exclude each other", "give one of them")
    with looking() as container:
        users = _chosen(container, user, sample)
        proofs = _proofs(container, queue, of_users=users is not None)
        reports = {proof.name: (proof, _verify(container, proof, users, processes)) for proof in proofs}
        # Not where some users were asked for: it takes a look at all that is there.
        counts = {proof.name: proof.strays() for proof in proofs if proof.strays is not None and users is None}
    if as_json:
        strays = {name: {"strays": count} for name, count in counts.items()}
        documents = {name: _verification(report) | strays.get(name, {}) for name, (_, report) in reports.items()}
        print_json(documents if len(documents) > 1 else next(iter(documents.values())))
    else:
        for proof, report in reports.values():
            print_verification(report, proof)
            print_strays(counts.get(proof.name, 0), proof)
    raise typer.Exit(1 if any(report.mismatches for _, report in reports.values()) else 0)


def _proofs(container: Container, queue: str, *, of_users: bool) -> list[Proof]:
    """What there is to prove of what these consumers keep; `of_users`: only where it is about users."""
    proofs = [of_embeddings(container)] if queue in (EMBEDDINGS, ALL) else []
    proofs += [proof for consuming in other_consumers(container, queue) for proof in consuming.proofs()]
    if not proofs:
        remedy = f"`penchant rebuild --all --queue {queue}` computes it anew."
        raise ConfigurationError(f"Nothing holds what {queue} keeps against the log. {remedy}")
    return [proof for proof in proofs if proof.of == "user" or not of_users]


def of_embeddings(container: Container) -> Proof:
    """The proof of the embeddings."""
    return Proof(verify=container.verify(), name=EMBEDDINGS, queue=EMBEDDINGS, kept="embedding")


def _verification(report: VerifyReport) -> dict[str, object]:
    return asdict(report) | {
        "mismatches": len(report.mismatches),
        "mismatched_users": [asdict(mismatch) for mismatch in report.mismatches],
    }


def _chosen(container: Container, user: list[str] | None, sample: int | None) -> list[str] | None:
    """The users that are meant; None for all."""
    if user is not None:
        return known_users(container, user)
    if sample is None:
        return None
    known = [user_id for page in pages_of_users(container.event_log()) for user_id in page]
    return random.sample(known, min(sample, len(known)))


def _verify(container: Container, proof: Proof, users: list[str] | None, processes: int | None) -> VerifyReport:
    count = len(users) if users is not None else container.event_log().user_count()
    pages = _pages_of(users) if users is not None else proof.verify.pages()
    processes = processes if processes is not None else processes_for(count)
    with progress("verifying", count) as advance:
        if processes > 1 and isinstance(proof.verify, VerifyUsers):
            return verify_pages(container.settings(), pages, processes, advance)
        report = VerifyReport()
        for some in pages:
            report += proof.verify(some)
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


def print_verification(report: VerifyReport, proof: Proof) -> None:
    """Say what verify found, the first mismatches by name."""
    option = f" --queue {proof.queue}" if proof.queue != EMBEDDINGS else ""
    for mismatch in report.mismatches[:MISMATCHES_SHOWN]:
        out.print(f"[red]✗[/red] {proof.of} {escape(mismatch.user_id)} {escape(mismatch.reason)}")
    counted = f"{report.users:,} {proof.of}s" + (f", {report.events:,} events" if report.events else "")
    lag = f"lag {report.lag:,}" + (f", waiting for a product {report.waiting:,}" if report.events else "")
    if report.mismatches:
        out.print(f"[bold red]{len(report.mismatches):,} of {counted} do not match {proof.source}[/bold red] ({lag})")
        which = "--user …" if proof.of == "user" else "--all"
        out.print(f"`penchant rebuild {which}{option}` puts it right; find out first who changed it.")
    else:
        out.print(
            f"[bold green]✓[/bold green] {counted}: every {proof.kept} equals {proof.source}.\n"
            f"  Largest difference {report.max_error:.1e} of its length; {lag}."
        )
        if report.lag:
            text = f"{report.lag:,} are not in yet; if no worker runs and brings them in,"
            out.print(f"[yellow]![/yellow] {text}\n  `penchant catch-up --older-than 0{option}` does.", soft_wrap=True)


def print_strays(count: int, proof: Proof) -> None:
    """Warn of what somebody else has put beside what we keep."""
    if count:
        text = f"{count:,} {proof.kept}s beside those of {proof.of}s are foreign or damaged;"
        out.print(
            f"[yellow]![/yellow] {text}\n  `penchant rebuild --all --queue {proof.queue}` removes them.", soft_wrap=True
        )
