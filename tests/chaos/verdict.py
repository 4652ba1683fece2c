"""The verdict: what is stored, held against what the ledgers say."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from attrs import frozen

from domain.user_embedding import UserEmbedding
from entrypoints.container import Container
from tests.chaos.blame import blame
from tests.chaos.truth import RATE_PER_DAY, Truth
from tests.reference import assert_agrees


@frozen(kw_only=True)
class Verdict:
    """How the stored states compare with the truth.

    Parameters
    ----------
    lost : accepted events whose effect is in no state, or that are not in the log.
    twice : effects that are in a state once too often.
    wrong : what is wrong, by user; the first of it names events.
    """

    accepted: int
    lost: int
    twice: int
    wrong: Mapping[str, str]

    @property
    def applied(self) -> int:
        """Accepted events whose effect is in the states."""
        return self.accepted - self.lost


def judge(truth: Truth, container: Container) -> Verdict:
    """Compare every user."""
    vectors = _vectors(truth, container)
    wrong = dict.fromkeys(truth.badly_numbered(), "has positions that are not 1, 2, 3, …")
    states = container.store().read(list(truth.positions))
    lost = twice = 0
    for user_id, positions in truth.positions.items():
        state = states.get(user_id)
        problem = _problem(truth, user_id, state, len(positions), vectors.__getitem__)
        if problem is None:
            continue
        users_lost, users_twice, names = _counts(truth, user_id, state, vectors.__getitem__)
        lost, twice = lost + users_lost, twice + users_twice
        wrong[user_id] = f"{problem}; {names}"
    unaccepted = container.event_log().count() - truth.accepted
    if unaccepted:
        wrong["the log"] = f"holds {unaccepted:+,} events compared with what was accepted"
        lost += max(-unaccepted, 0)
    for stranger in set(container.store().user_ids(None, 1_000_000)) - set(truth.positions):
        wrong[stranger] = "is a state of a user without events"
    return Verdict(accepted=truth.accepted, lost=lost, twice=twice, wrong=wrong)


def _vectors(truth: Truth, container: Container) -> Mapping[str, np.ndarray]:
    """The vector of each subject: stored once and for all, they are part of the truth."""
    products, phrases = truth.subjects
    found = (
        container.catalogue().vectors(products),
        container.stored_phrase_vectors().get(container.embedder().model, phrases),
    )
    return {name: vector for names, matrix in found for name, vector in zip(names, matrix, strict=True)}


def _problem(
    truth: Truth, user_id: str, state: UserEmbedding | None, events: int, vector_of: Callable[[str], np.ndarray]
) -> str | None:
    try:
        assert_agrees(state, truth.expected(user_id, vector_of), RATE_PER_DAY)
        assert state is not None, "no state"
        assert (state.applied.position, state.applied.missing) == (events, ()), f"{state.applied} of {events} applied"
    except AssertionError as error:
        return str(error).splitlines()[0]
    except KeyError as error:
        return f"no vector of {error}"
    return None


def _counts(
    truth: Truth, user_id: str, state: UserEmbedding | None, vector_of: Callable[[str], np.ndarray]
) -> tuple[int, int, str]:
    """How many events are lost and twice in a wrong state, and their names as far as the sum tells."""
    events = truth.users[user_id]
    live = sum(not event.retracted for event in events.values())
    stored = state.event_count if state is not None else 0
    try:
        found = blame(state, events, vector_of)
    except KeyError:
        return max(live - stored, 1), max(stored - live, 0), "not looked into"
    lost, twice = max(len(found.lost), live - stored), max(len(found.extra), stored - live)
    if state is not None:
        unapplied = [m for m, position in truth.positions[user_id].items() if position not in state.applied]
        lost = max(lost, len(unapplied))
    if lost == twice == 0:
        lost = 1  # the sum is wrong, and nothing that could be found explains it
    return lost, twice, f"lost {_some(found.lost)}, too often {_some(found.extra)}"


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:5])
    return f"{shown}, … ({len(names)})" if len(names) > 5 else shown or "none that is known"
