"""`penchant config show`."""

import os
from collections.abc import Collection, Mapping

import typer
from rich.text import Text

from application.active_recipe import active_recipe
from domain.errors import PenchantError
from domain.recipe import Recipe
from entrypoints.cli.output import Json, out, print_json, print_paragraph, table
from entrypoints.cli.wiring import unchecked
from entrypoints.container import PORTS, Container
from entrypoints.settings import Settings
from entrypoints.variables import strange_variables, variable_of

config = typer.Typer(help="How this Penchant is configured.", no_args_is_help=True)


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
        shown = {"settings": values, "adapters": adapters, "recipe": recipe, "trouble": trouble}
        print_json(shown | {"strange_variables": [strange.name for strange in strange_variables(os.environ)]})
        return
    _print_settings(values, set_here)
    out.print()
    out.print(table("Ports", ("port", "adapter"), list(adapters.items())))
    out.print()
    note = "not active yet" if active is None else "active" if active == configured else "NOT the active one"
    half_life = f"half-life {configured.decay.half_life_days:.1f} days"
    out.print(f"Recipe {configured.id} ({note}): {half_life}, {configured.model}", markup=False)
    if trouble is not None:
        out.print(f"What is active cannot be read: {trouble}", markup=False)


def _print_settings(values: Mapping[str, str], set_here: Collection[str]) -> None:
    """One line each, never broken, so that an address can be copied."""
    out.print("Settings", style="bold")
    width = max(map(len, values))
    for name, value in values.items():
        origin = "set" if name in set_here else "default"
        out.print(Text(f"{name:{width}}  {origin:7}  {value}".rstrip()), soft_wrap=True)
    for strange in strange_variables(os.environ):
        print_paragraph(str(strange), "[yellow]![/yellow]", indent=2)


def _adapter(container: Container, port: str) -> str:
    try:
        return type(getattr(container, port)()).__name__
    except PenchantError:  # it rests on a part that is out of reach, which is no reason to show nothing
        return "out of reach; see penchant doctor"


def _active_recipe(container: Container) -> tuple[Recipe | None, str | None]:
    """The active recipe, and what keeps it from being read."""
    try:
        if container.is_new() or not container.schema().is_current():
            return None, None
        return active_recipe(container.registry()), None
    except PenchantError as error:
        return None, str(error)
