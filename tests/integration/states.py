"""Compares what two homes have stored."""

import numpy as np

from application.rebuild import pages_of_users
from domain.decayed_sums import DecayedSums
from domain.user_embedding import UserEmbedding, distances, sums_of
from tests.integration.program import Program

WITHIN = 1e-5


def states_of(program: Program) -> dict[str, UserEmbedding]:
    """All stored states by user."""
    container = program.container()
    try:
        pages = pages_of_users(container.event_log())
        return {user_id: state for page in pages for user_id, state in container.store().read(page).items()}
    finally:
        container.database().dispose()


def assert_same_states(one: Program, other: Program, besides: frozenset[str] = frozenset()) -> None:
    """Fail unless both hold the same users, each within 1e-5 of the other when brought to one time."""
    mine, theirs = states_of(one), states_of(other)
    assert mine.keys() == theirs.keys()
    users = sorted(mine.keys() - besides)
    container = one.container()
    recipe = container.recipe()
    stored: list[DecayedSums] = [sums_of([states[user] for user in users], recipe) for states in (mine, theirs)]
    assert stored[0].counts.tolist() == stored[1].counts.tolist()
    off = distances(stored[0], stored[1], recipe.decay)
    times = np.maximum(stored[0].as_of_us, stored[1].as_of_us)
    norms = stored[0].at(times, recipe.decay).norms
    assert (off <= WITHIN * norms).all(), f"{users[int(np.argmax(off - WITHIN * norms))]} is off"
    assert all(not states[user].applied.missing for states in (mine, theirs) for user in users)
