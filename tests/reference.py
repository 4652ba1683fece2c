"""What every state must come to: the closed formula of the design in plain loops, over raw events.

It shares no code with src/domain, so that a mistake there cannot hide here.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import numpy as np
from attrs import frozen

from domain.user_embedding import UserEmbedding

SECONDS_PER_DAY = 86_400.0


@frozen(kw_only=True)
class RawEvent:
    """An event as the test knows it. `subject` is a product id or a phrase."""

    user_id: str
    event_type: str
    subject: str
    occurred_at: datetime
    retracted: bool = False


@frozen(kw_only=True, eq=False)
class Expected:
    """s and W as of the latest live event; empty without live events."""

    vector: np.ndarray
    weight: float = 0.0
    as_of: datetime | None = None
    event_count: int = 0

    @property
    def norm(self) -> float:
        """|s|."""
        return math.sqrt(sum(float(x) * float(x) for x in self.vector))

    @property
    def cancels_out(self) -> bool:
        """Whether there are live events whose sum is nothing but rounding."""
        return self.norm <= 1e-9 * self.weight


def expected_of(
    events: Iterable[RawEvent],
    user_id: str,
    vector_of: Callable[[str], np.ndarray],
    weights: Mapping[str, float],
    rate_per_day: float,
) -> Expected:
    """s = sum of w_i exp(-rate (t - t_i)) v_i over the live events of a user, t the time of the latest of them."""
    live = [event for event in events if event.user_id == user_id and not event.retracted]
    if not live:
        return Expected(vector=np.zeros(0))
    as_of = max(event.occurred_at for event in live)
    vector = np.zeros_like(vector_of(live[0].subject), dtype=np.float64)
    weight = 0.0
    for event in live:
        age_days = (as_of - event.occurred_at).total_seconds() / SECONDS_PER_DAY
        factor = math.exp(-rate_per_day * age_days)
        vector = vector + weights[event.event_type] * factor * np.asarray(vector_of(event.subject), dtype=np.float64)
        weight = weight + abs(weights[event.event_type]) * factor
    return Expected(vector=vector, weight=weight, as_of=as_of, event_count=len(live))


def assert_agrees(state: UserEmbedding | None, expected: Expected, rate_per_day: float, within: float = 1e-5) -> None:
    """Fail unless the stored state is what was expected, relative to |s| and W; it may be written down later."""
    if expected.as_of is None:
        assert state is None or is_exactly_empty(state), f"no live event, but {state}"
        return
    assert state is not None, f"no state, but {expected.event_count} live events"
    assert state.event_count == expected.event_count
    assert state.as_of is not None
    assert state.as_of >= expected.as_of
    elapsed_days = (state.as_of - expected.as_of).total_seconds() / SECONDS_PER_DAY
    factor = math.exp(-rate_per_day * elapsed_days)
    assert math.isclose(state.weight, expected.weight * factor, rel_tol=within, abs_tol=1e-300)
    if expected.cancels_out:
        assert state.embedding is None
        assert state.norm == 0
        return
    assert state.embedding is not None, f"no embedding, but |s| is {expected.norm}"
    off = np.linalg.norm(state.embedding.astype(np.float64) - expected.vector / expected.norm)
    assert off <= within, f"the direction is off by {off:.3g}"
    assert math.isclose(state.norm, expected.norm * factor, rel_tol=within, abs_tol=1e-300)


def is_exactly_empty(state: UserEmbedding) -> bool:
    """Whether nothing is left in the state: not even rounding."""
    numbers = (state.norm, state.weight, state.error, state.event_count)
    return state.embedding is None and state.as_of is None and numbers == (0.0, 0.0, 0.0, 0)
