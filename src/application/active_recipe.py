"""The recipe that is active beside the log: every process that writes states must be of it."""

from application.ports.registry import Registry
from domain.errors import RecipeChangedError, RecipeMismatchError
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
    """Raise RecipeChangedError if another recipe than `recipe` is active by now."""
    active = registry.get(ACTIVE_RECIPE)
    if active is not None and active != recipe.as_json():
        kept = Recipe.from_json(active)
        text = f"Recipe {kept.id} has been made active in place of {recipe.id}; started again, this process follows it."
        raise RecipeChangedError(text)


def _compare(active: str, recipe: Recipe) -> None:
    if active == recipe.as_json():
        return
    kept = Recipe.from_json(active)
    raise RecipeMismatchError(
        f"This process is configured for recipe {recipe.id}, but {kept.id} is the active one: "
        f"{'; '.join(_differences(recipe, kept))}. Set that back, or make this recipe the active one and rebuild all "
        "users: `penchant recipe set`. `penchant config show` prints what is set."
    )


def _differences(ours: Recipe, active: Recipe) -> list[str]:
    """What differs, with the variable that decides it here."""
    found = []
    if ours.decay != active.decay:
        rates = f"{ours.decay.rate_per_day:g} a day, not {active.decay.rate_per_day:g}"
        found.append(f"the decay is {rates} (EMBEDDING_DECAY_LAMBDA)")
    for event_type in sorted(ours.weights):
        if ours.weights[event_type] != active.weights[event_type]:
            weights = f"{ours.weights[event_type]:g}, not {active.weights[event_type]:g}"
            found.append(f"a {event_type} counts {weights} (PENCHANT_WEIGHT_{event_type.upper()})")
    if (ours.model, ours.dimensions) != (active.model, active.dimensions):
        models = f"{ours.model} with {ours.dimensions} dimensions, not {active.model} with {active.dimensions}"
        found.append(f"the model is {models} (OPENAI_API_KEY, OPENAI_EMBEDDING_MODEL, PENCHANT_EMBEDDING_DIMENSIONS)")
    return found
