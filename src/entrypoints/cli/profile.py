"""`penchant profile`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from attrs import asdict

from application.stored_state import require_state
from application.waiting import Waiting, waiting_events
from domain.errors import NotAppliedYetError
from domain.identifier import parse_identifier
from domain.user_embedding import UserEmbedding
from entrypoints.cli.output import Json, ago, out, print_json, print_paragraph, table
from entrypoints.cli.wiring import looking
from entrypoints.container import Container

User = Annotated[str, typer.Argument(help="The user's id.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many to show.")]

PRODUCTS_NAMED = 10

profile = typer.Typer(help="What a user is into, and why.", no_args_is_help=True)


@contextmanager
def reading() -> Iterator[Container]:
    """The container; of what has not been applied yet, say what those who run Penchant can do about it."""
    with looking() as container:
        try:
            yield container
        except NotAppliedYetError as error:
            remedy = f"{error.remedy}. If that does not help, start a worker where none runs (penchant worker)"
            raise NotAppliedYetError(error.field, error.problem, remedy) from error


@profile.command()
def show(user: User, as_json: Json = False) -> None:
    """Show the stored embedding of a user.

    Example:

      penchant profile show 17850 --json
    """
    with reading() as container:
        user_id = parse_identifier("user_id", user)
        state, waiting = _state(container, user_id)
        now = container.clock().now()
    if as_json:
        print_json(_fields(state))
        return
    rows = [
        ("events", f"{state.event_count:,} live, {len(state.applied):,} of the log applied"),
        ("as of", f"{state.as_of:%Y-%m-%d %H:%M:%S} UTC, {ago(state.as_of, now)}" if state.as_of else "no live event"),
        ("weight", f"{state.weight:.3f}  the decayed sum of the event weights"),
        ("norm", f"{state.norm:.3f}  the length of the decayed sum of the vectors"),
        ("focus", f"{_bar(state.focus)} {state.focus:.2f}  how much the events agree"),
        ("error", f"{state.error:.1e}  estimated rounding"),
        ("embedding", _vector(state, waiting)),
        ("version", f"{state.version}, model {state.model}, recipe {state.recipe}"),
    ]
    if waiting.events:
        rows.append(("waiting", _waiting(waiting)))
    out.print(table(f"User {user}", ("", ""), rows))


@profile.command()
def explain(user: User, limit: Limit = 15, as_json: Json = False) -> None:
    """Show which events make up the embedding, and how much each counts today.

    Example:

      penchant profile explain 17850
    """
    with reading() as container:
        user_id = parse_identifier("user_id", user)
        influences = container.explain()(user_id)
        nothing = why_nothing(container, user_id, "") if not influences else ""
        now = container.clock().now()
    if as_json:
        shown = [asdict(influence) for influence in influences[:limit]]
        print_json({"user_id": user, "events": shown, "more": len(influences[limit:])})
        return
    if nothing:
        print_paragraph(nothing)
        return
    rows = [
        (
            f"{influence.share:7.1%}",
            f"{influence.weight:.2g}",
            influence.event_type,
            influence.text or influence.product_id or "",
            ago(influence.occurred_at, now),
        )
        for influence in influences[:limit]
    ]
    out.print(
        table(f"User {user}: what counts", ("share", "weight", "event", "about", "when"), rows, ("share", "weight"))
    )
    out.print("share: its part of the embedding; weight: what it counts today, decayed", style="dim")
    if len(influences) > limit:
        rest = sum(influence.share for influence in influences[limit:])
        out.print(f"… and {len(influences) - limit:,} more events with {rest:.1%} together", style="dim")


@profile.command()
def neighbours(user: User, limit: Limit = 10, as_json: Json = False) -> None:
    """Show the users whose embeddings are nearest.

    Example:

      penchant profile neighbours 17850
    """
    with reading() as container:
        user_id = parse_identifier("user_id", user)
        nearest = container.neighbours()(user_id, limit)
        nothing = why_nothing(container, user_id, "No other user has an embedding.") if not nearest else ""
    if as_json:
        print_json({"user_id": user, "users": [asdict(neighbour) for neighbour in nearest]})
        return
    if nothing:
        print_paragraph(nothing)
        return
    rows = [(neighbour.user_id, f"{neighbour.similarity:.3f}") for neighbour in nearest]
    out.print(table(f"User {user}: nearest users", ("user", "similarity"), rows, ("similarity",)))


def _state(container: Container, user_id: str) -> tuple[UserEmbedding, Waiting]:
    state = require_state(container.store(), container.event_log(), user_id, container.recipe())
    return state, waiting_events(state, container.event_log(), container.catalogue())


def why_nothing(container: Container, user_id: str, otherwise: str) -> str:
    """Why there is nothing to show of a user: for want of an embedding, or else."""
    state, waiting = _state(container, user_id)
    if state.embedding is not None:
        return otherwise
    text = f"User {user_id} has no embedding: {_why_no_embedding(state, waiting)}."
    return f"{text} {_waiting(waiting)}." if waiting.events else text


def _why_no_embedding(state: UserEmbedding, waiting: Waiting) -> str:
    if state.event_count:
        return "the events cancel out"
    return "no event is applied yet" if waiting.events else "all events have been taken back"


def _waiting(waiting: Waiting) -> str:
    count = f"{waiting.events:,} {'event is' if waiting.events == 1 else 'events are'} recorded and not applied yet"
    if not waiting.product_ids:
        return f"{count}: on the way, or among the dead letters (penchant failed list)"
    named = ", ".join(waiting.product_ids[:PRODUCTS_NAMED])
    more = f" and {len(waiting.product_ids) - PRODUCTS_NAMED:,} more" if waiting.product_ids[PRODUCTS_NAMED:] else ""
    return f"{count}, for want of products that are not in the catalogue: {named}{more}"


def _fields(state: UserEmbedding) -> dict[str, object]:
    return {
        "user_id": state.user_id,
        "embedding": state.embedding,
        "norm": state.norm,
        "weight": state.weight,
        "focus": state.focus,
        "error": state.error,
        "as_of": state.as_of,
        "event_count": state.event_count,
        "position": state.applied.position,
        "missing": state.applied.missing,
        "version": state.version,
        "model": state.model,
    }


def _bar(part: float, width: int = 20) -> str:
    full = round(part * width)
    return "█" * full + "░" * (width - full)


def _vector(state: UserEmbedding, waiting: Waiting) -> str:
    if state.embedding is None:
        return f"none: {_why_no_embedding(state, waiting)}"
    some = ", ".join(f"{number:+.3f}" for number in state.embedding[:4])
    return f"[{some}, …] {len(state.embedding)} dimensions, float32"
