"""Which events explain a wrong sum: those that are not in it, and those that are in it once too often."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from attrs import frozen

from domain.user_embedding import UserEmbedding
from tests.chaos.truth import RATE_PER_DAY, WEIGHTS
from tests.reference import SECONDS_PER_DAY, RawEvent

TOLERANCE = 1e-5
AT_MOST = 1_000


@frozen(kw_only=True)
class Blame:
    """Message ids. What explains nothing is left out, so both may be empty though the sum is wrong."""

    lost: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def blame(state: UserEmbedding | None, events: Mapping[str, RawEvent], vector_of: Callable[[str], np.ndarray]) -> Blame:
    """Explain the sum of a state by taking, again and again, the event that leaves the least of the difference."""
    live = [message_id for message_id, event in events.items() if not event.retracted]
    if state is None or state.as_of is None or state.embedding is None:
        return Blame(lost=tuple(live))
    ids, effects = list(events), []
    for event in events.values():
        age_days = (state.as_of - event.occurred_at).total_seconds() / SECONDS_PER_DAY
        effects.append(WEIGHTS[event.event_type] * math.exp(-RATE_PER_DAY * age_days) * vector_of(event.subject))
    matrix = np.asarray(effects, dtype=np.float64)
    stored = state.embedding.astype(np.float64) * state.norm
    is_live = np.array([not event.retracted for event in events.values()])
    left = stored - matrix[is_live].sum(axis=0)
    lost: list[str] = []
    extra: list[str] = []
    squares = (matrix * matrix).sum(axis=1)
    while np.linalg.norm(left) > TOLERANCE * max(1.0, state.norm) and len(lost) + len(extra) < AT_MOST:
        along = matrix @ left
        gains = 2 * np.abs(along) - squares
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        (extra if along[best] > 0 else lost).append(ids[best])
        left = left - math.copysign(1.0, along[best]) * matrix[best]
    return Blame(lost=tuple(lost), extra=tuple(extra))
