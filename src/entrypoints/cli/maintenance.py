"""`penchant setup`, `config show`, `stats`, `rebuild` and `catch-up`."""

from datetime import timedelta
from typing import Annotated

import typer
from attrs import asdict

from application.active_recipe import active_recipe
from domain.errors import InvalidValueError, PenchantError
from domain.recipe import Recipe
from entrypoints.cli.outbox import until_drained
from entrypoints.cli.output import Json, out, print_json, progress, table
from entrypoints.cli.verification import known_users
from entrypoints.cli.wiring import apply_all, penchant, unchecked
from entrypoints.container import PORTS, Container
from entrypoints.doctor import installables
from entrypoints.settings import Settings, variable_of

MAX_MINUTES = 60 * 24 * 365 * 100

config = typer.Typer(help="How this Penchant is configured.", no_args_is_help=True)


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
        parts = installables(container, create_indexes)
        changes = [change for part in parts for change in part.install()]
        revision = container.schema().revision()
        where = container.schema().where
    if as_json:
        print_json({"changed": bool(changes), "changes": changes, "revision": revision, "database": where})
        return
    for change in changes:
        out.print(change, markup=False)
    out.print(f"{where} is {'now' if changes else 'already'} at revision {revision}.", markup=False)
    if len(parts) > 1:
        out.print("Everything that the other servers need is there. `penchant doctor` examines it.")


@config.command("show")
def show(as_json: Json = False) -> None:
    """Show every setting with its variable, and which adapter serves which port.

    Example:

      penchant config show
    """
    with unchecked() as container:
        settings: Settings = container.settings()
        values = {variable_of(name): settings.shown(name) for name in Settings.model_fields}
        set_here = {variable_of(name) for name in settings.model_fields_set}
        adapters = {port: _adapter(container, port) for port in PORTS}
        active, trouble = _active_recipe(container)
        embedder = container.embedder()
        configured = settings.recipe(active, embedder.model, embedder.dimensions)
        values["EMBEDDING_DECAY_LAMBDA"] = str(configured.decay.rate_per_day)
        values |= {f"PENCHANT_WEIGHT_{name.upper()}": str(weight) for name, weight in configured.weights.items()}
    if as_json:
        recipe = {"id": configured.id, "active": active == configured if active is not None else None}
        print_json({"settings": values, "adapters": adapters, "recipe": recipe, "trouble": trouble})
        return
    rows = [(name, value, "set" if name in set_here else "default") for name, value in values.items()]
    out.print(table("Settings", ("variable", "value", ""), rows))
    out.print()
    out.print(table("Ports", ("port", "adapter"), list(adapters.items())))
    out.print()
    note = "not active yet" if active is None else "active" if active == configured else "NOT the active one"
    half_life = f"half-life {configured.decay.half_life_days:.1f} days"
    out.print(f"Recipe {configured.id} ({note}): {half_life}, {configured.model}", markup=False)
    if trouble is not None:
        out.print(f"What is active cannot be read: {trouble}", markup=False)


def _adapter(container: Container, port: str) -> str:
    try:
        return type(getattr(container, port)()).__name__
    except PenchantError:  # it rests on a part that is out of reach, which is no reason to show nothing
        return "out of reach; see penchant doctor"


def _active_recipe(container: Container) -> tuple[Recipe | None, str | None]:
    """The active recipe, and what keeps it from being read."""
    try:
        return (active_recipe(container.registry()) if container.schema().is_current() else None), None
    except PenchantError as error:
        return None, str(error)


def stats(as_json: Json = False) -> None:
    """Count what there is and what is on its way.

    Example:

      penchant stats --json
    """
    with penchant() as container:
        counts = asdict(container.stats()())
    if as_json:
        print_json(counts)
        return
    awaited = counts.pop("waiting_product_ids")
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in counts.items()]
    out.print(table("Penchant holds", ("", "count"), rows, ("count",)))
    if awaited:
        out.print(f"Events wait for products that are not in the catalogue: {', '.join(awaited)}", markup=False)


def rebuild(
    user: Annotated[list[str] | None, typer.Option(help="This user; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All users of the log.")] = False,
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
