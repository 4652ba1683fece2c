"""A setup, for eyes and for programs."""

import math

from application.setup import Setup
from domain.interaction import EventType
from entrypoints.cli.output import finite


def setup_fields(setup: Setup) -> dict[str, object]:
    """All of it for JSON; half-lives without end are null."""
    blend = setup.blend
    return {
        "half_life_days": finite(setup.recipe.decay.half_life_days),
        "weights": dict(setup.recipe.weights),
        "popularity_half_life_days": finite(blend.popularity.half_life_days),
        "bought_with_half_life_days": finite(blend.bought_with.half_life_days),
        "blend": dict(blend.weights),
    }


def setup_sentence(setup: Setup) -> str:
    """All of it in a sentence."""
    recipe, blend = setup.recipe, setup.blend
    popular, together = days(blend.popularity.half_life_days), days(blend.bought_with.half_life_days)
    weights = ", ".join(f"{one} {recipe.weights[one]:g}" for one in EventType)
    sources = ", ".join(f"{source} {weight:g}" for source, weight in blend.weights.items())
    return (
        f"Judged as it is set: half-life of embeddings {days(recipe.decay.half_life_days)}, of what is popular "
        f"{popular}, of what is bought together {together}; weights of events: {weights}; of sources: {sources}."
    )


def days(number: float) -> str:
    """A half-life as people read it."""
    return f"{number:.3g} days" if math.isfinite(number) else "no end"
