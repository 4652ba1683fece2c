"""The recipe that is active beside the log: every process that writes states must be of it."""

from application.ports.registry import Registry
from domain.errors import RecipeMismatchError
from domain.recipe import Recipe

ACTIVE_RECIPE = "recipe"


def active_recipe(registry: Registry) -> Recipe | None:
    """The recipe that is active; None before the first process has come."""
    active = registry.get(ACTIVE_RECIPE)
    return Recipe.from_json(active) if active is not None else None


def adopt_recipe(registry: Registry, recipe: Recipe) -> None:
    """Make `recipe` the active one if there is none yet; raise RecipeMismatchError if there is another."""
    _compare(registry.set_if_absent(ACTIVE_RECIPE, recipe.as_json()), recipe)


def check_recipe(registry: Registry, recipe: Recipe) -> None:
    """Raise RecipeMismatchError if another recipe than `recipe` is active."""
    active = registry.get(ACTIVE_RECIPE)
    if active is not None:
        _compare(active, recipe)


def _compare(active: str, recipe: Recipe) -> None:
    if active == recipe.as_json():
        return
    kept = Recipe.from_json(active)
    raise RecipeMismatchError(
        f"This process is configured for recipe {recipe.id} ({_short(recipe)}), but the log has "
        f"{kept.id} ({_short(kept)}). Unset EMBEDDING_DECAY_LAMBDA and the PENCHANT_WEIGHT_* variables and set the "
        "model back, or make this recipe the active one and rebuild all users: `penchant recipe set`. "
        "`penchant config show` prints what is set."
    )


def _short(recipe: Recipe) -> str:
    weights = ", ".join(f"{name} {weight:g}" for name, weight in sorted(recipe.weights.items()))
    return f"decay {recipe.decay.rate_per_day:g} a day, {weights}, {recipe.model} with {recipe.dimensions} dimensions"
