"""`penchant recipe show` and `recipe set`."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from attrs import asdict, evolve
from dependency_injector import providers

from application.active_recipe import active_recipe
from application.change_recipe import change_under_way
from domain.decay import Decay
from domain.errors import ConfigurationError, InvalidValueError
from domain.interaction import EventType
from domain.recipe import Recipe
from entrypoints.cli.output import Json, finite, out, print_json, print_paragraph, progress, table
from entrypoints.cli.wiring import apply_all, prepared
from entrypoints.container import Container

recipe = typer.Typer(help="Decay, weights and model: what makes a vector out of the log.", no_args_is_help=True)


@recipe.command("show")
def show_recipe(as_json: Json = False) -> None:
    """Show the active recipe, and whether this process is configured for it.

    Example:

      penchant recipe show
    """
    with prepared() as container:
        configured = container.recipe()
        active = active_recipe(container.registry())
        unfinished = change_under_way(container.registry())
    told = active if active is not None else configured
    if as_json:
        fields = asdict(told) | {"id": told.id, "half_life_days": finite(told.decay.half_life_days)}
        print_json(fields | {"active": active is not None, "configured_id": configured.id, "unfinished": unfinished})
        return
    rows = [
        ("half-life", f"{told.decay.half_life_days:.4g} days (decay {told.decay.rate_per_day:g} a day)"),
        *((f"weight of a {event_type}", f"{told.weights[event_type]:g}") for event_type in EventType),
        ("model", f"{told.model}, {told.dimensions:,} dimensions"),
    ]
    title = f"Recipe {told.id}, " + ("active" if active is not None else "not active yet: nothing has been recorded")
    out.print(table(title, ("", ""), rows))
    if active is not None and active != configured:
        out.print(f"This process is configured for another, {configured.id}; `penchant recipe set` would change to it.")
    if unfinished:
        out.print("A change to this recipe was cut short; `penchant recipe set` finishes it.")


@recipe.command("set")
def set_recipe(
    half_life_days: Annotated[
        float | None, typer.Option(min=1e-3, help="Days after which an event counts half; inf: no decay.")
    ] = None,
    weight_purchase: Annotated[float | None, typer.Option(help="What a purchase counts.")] = None,
    weight_search: Annotated[float | None, typer.Option(help="What a search counts.")] = None,
    weight_click: Annotated[float | None, typer.Option(help="What a click counts.")] = None,
    weight_view: Annotated[float | None, typer.Option(help="What a view counts.")] = None,
    as_json: Json = False,
) -> None:
    """Change the recipe on a running system, and rebuild every user under the new one.

    A negative weight speaks against a product, and with 0 a type of events does not count. What is not given stays
    as it is configured; the model is the one that the environment names. Workers of the old recipe end at their
    next write; their supervisor starts them again, and they follow the active recipe, unless their environment says
    otherwise. A new model embeds the catalogue and all phrases of the log anew; products that came with vectors of
    your own have to be imported again, with vectors of the new model. If it is cut short, do it again.

    Examples:

      penchant recipe set --half-life-days 14 --weight-view 0.2

      OPENAI_EMBEDDING_MODEL=text-embedding-3-large penchant recipe set
    """
    weights = {
        EventType.PURCHASE: weight_purchase,
        EventType.SEARCH: weight_search,
        EventType.CLICK: weight_click,
        EventType.VIEW: weight_view,
    }
    with prepared() as container:
        wanted = _wanted(container, half_life_days, {t: w for t, w in weights.items() if w is not None})
        before = active_recipe(container.registry())
        container.recipe.override(providers.Object(wanted))
        with progress("rebuilding", container.event_log().user_count()) as advance:
            change = container.change_recipe()(advance)
        container.catch_up()(timedelta(0))  # what a rebuild had to leave out for want of a vector has one now
        apply_all(container)
    if as_json:
        print_json(asdict(change) | {"id": wanted.id, "before": before.id if before is not None else None})
        return
    if change.products_without_vector:
        without = change.products_without_vector
        out.print(f"{len(without):,} products have no vector in this model: {', '.join(without[:10])}", markup=False)
    if change.products_with_old_vector:
        print_paragraph(_told_of_old_vectors(change.products_with_old_vector))
    if before == wanted and change.users_rebuilt == change.products_embedded == 0:
        out.print(f"Recipe {wanted.id} is active already; nothing was to do.")
        return
    out.print(
        f"Recipe {wanted.id} is active: {change.users_rebuilt:,} users rebuilt, "
        f"{change.products_embedded:,} products embedded anew."
    )
    print_paragraph(
        "Workers and `penchant serve` of the old one end at their next write: start them again if nothing else does."
    )


def _wanted(container: Container, half_life_days: float | None, weights: dict[EventType, float]) -> Recipe:
    """The configured recipe with what was given; refused where the environment says something else."""
    settings, wanted = container.settings(), container.recipe()
    if half_life_days is not None:
        decay = Decay.of_half_life(half_life_days)
        is_set = settings.decay_rate_per_day
        if is_set is not None and not math.isclose(is_set, decay.rate_per_day):
            raise ConfigurationError("EMBEDDING_DECAY_LAMBDA is set to another decay; unset it, here and for workers.")
        wanted = evolve(wanted, decay=decay)
    for event_type, weight in weights.items():
        if not math.isfinite(weight):
            raise InvalidValueError(f"--weight-{event_type}", "is not finite", "give a number such as 0.5")
        if settings.weights_set.get(event_type, weight) != weight:
            text = f"PENCHANT_WEIGHT_{event_type.upper()} is set to another weight; unset it, here and for workers."
            raise ConfigurationError(text)
    return evolve(wanted, weights={**wanted.weights, **weights})


def _told_of_old_vectors(product_ids: Sequence[str]) -> str:
    some = ", ".join(product_ids[:10])
    return (
        f"{len(product_ids):,} products came with vectors of your own, which are of the model before, and have none "
        f"now: {some}. Events about them wait until `penchant products import` brings vectors of the new model, or "
        "texts alone."
    )
