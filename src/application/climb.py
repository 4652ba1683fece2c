"""Coordinate ascent: one knob at a time is turned to its best value, until none gains anything."""

from collections.abc import Callable, Hashable, Sequence

from attrs import frozen

from application.setup import Knob, Setup

ROUNDS = 3
LEAST_GAIN = 0.005
"""A value replaces another if it is better by so much of the score: less is noise, and every change costs a rebuild."""


@frozen(kw_only=True)
class Climbed:
    """Where it ended: the setup and its score, that of the start, and how many setups were tried."""

    setup: Setup
    score: float
    start_score: float
    tried: int


def climb(start: Setup, knobs: Sequence[Knob], score: Callable[[Setup], float]) -> Climbed:
    """Climb from `start`. The same setup is scored once only."""
    scores: dict[Hashable, float] = {}

    def known(setup: Setup) -> float:
        if setup.key not in scores:
            scores[setup.key] = score(setup)
        return scores[setup.key]

    best, start_score = start, known(start)
    for _ in range(ROUNDS):
        before = best
        for knob in knobs:
            turned = max(knob(best), key=known)
            if known(turned) > known(best) * (1 + LEAST_GAIN):
                best = turned
        if best == before:
            break
    return Climbed(setup=best, score=known(best), start_score=start_score, tried=len(scores))
