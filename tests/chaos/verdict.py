"""The verdict: what is stored, held against what the ledgers say."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from attrs import frozen

from domain.user_embedding import UserEmbedding
from entrypoints.container import Container
from tests.chaos.blame import blame
from tests.chaos.truth import RATE_PER_DAY, Truth
from tests.reference import assert_agrees

ALL_USERS = 10_000_000
NAMED = 5


@frozen(kw_only=True, eq=False)
class Stored:
    """What the stores hold: the state of each user, the vector of each subject, and how many events the log has."""

    states: Mapping[str, UserEmbedding]
    vectors: Mapping[str, np.ndarray]
    logged: int


@frozen(kw_only=True)
class Verdict:
    """How the stored states compare with the truth.

    Parameters
    ----------
    lost : accepted events whose effect is in no state, or that are not in the log.
    twice : effects that are in a state once too often.
    wrong : what is wrong, by user.
    """

    accepted: int
    lost: int
    twice: int
    wrong: Mapping[str, str]

    @property
    def applied(self) -> int:
        """Accepted events whose effect is in the states."""
        return self.accepted - self.lost


def stored_in(container: Container, truth: Truth) -> Stored:
    """Read everything. The vectors of phrases and products are stored once and for all: they are part of the truth."""
    products, phrases = truth.subjects
    found = (
        container.catalogue().vectors(products),
        container.stored_phrase_vectors().get(container.embedder().model, phrases),
    )
    users = {*truth.positions, *container.store().user_ids(None, ALL_USERS)}
    return Stored(
        states=container.store().read(users),
        vectors={name: vector for names, matrix in found for name, vector in zip(names, matrix, strict=True)},
        logged=container.event_log().count(),
    )


def judge(truth: Truth, stored: Stored) -> Verdict:
    """Compare every user, and the number of events in the log."""
    wrong = dict.fromkeys(truth.badly_numbered(), "has positions that are not 1, 2, 3, …")
    wrong |= dict.fromkeys(stored.states.keys() - truth.positions.keys(), "has a state and no event")
    lost = twice = 0
    for user_id in truth.positions:
        state = stored.states.get(user_id)
        problem = _problem(truth, user_id, state, stored.vectors.__getitem__)
        if problem is not None:
            users_lost, users_twice, names = _counts(truth, user_id, state, stored.vectors.__getitem__)
            lost, twice = lost + users_lost, twice + users_twice
            wrong[user_id] = f"{problem}; {names}"
    if stored.logged != truth.accepted:
        wrong["(the log)"] = f"has {stored.logged:,} events, and {truth.accepted:,} were accepted"
        lost += max(truth.accepted - stored.logged, 0)
    return Verdict(accepted=truth.accepted, lost=lost, twice=twice, wrong=wrong)


def _problem(
    truth: Truth, user_id: str, state: UserEmbedding | None, vector_of: Callable[[str], np.ndarray]
) -> str | None:
    events = len(truth.positions[user_id])
    try:
        expected = truth.expected(user_id, vector_of)
    except KeyError as error:
        return f"no vector of {error}"
    try:
        assert_agrees(state, expected, RATE_PER_DAY)
        assert state is not None, "no state"
        assert (state.applied.position, state.applied.missing) == (events, ()), f"{state.applied} of {events} applied"
    except AssertionError as error:
        counted = state.event_count if state is not None else 0
        counts = f"{counted} live events in the state, {expected.event_count} accepted"
        return str(error).partition("\n")[0] or counts
    return None


def _counts(
    truth: Truth, user_id: str, state: UserEmbedding | None, vector_of: Callable[[str], np.ndarray]
) -> tuple[int, int, str]:
    """How many events are lost and twice in a wrong state, and their names as far as the sum tells."""
    events = truth.users[user_id]
    live = sum(not event.retracted for event in events.values())
    counted = state.event_count if state is not None else 0
    positions = truth.positions[user_id].values()
    unapplied = sum(state is None or position not in state.applied for position in positions)
    try:
        found = blame(state, events, vector_of)
    except KeyError:
        return max(live - counted, unapplied, 1), max(counted - live, 0), "not looked into"
    lost, twice = max(len(found.lost), live - counted, unapplied), max(len(found.extra), counted - live)
    if lost == twice == 0:
        lost = 1  # the sum is wrong, and nothing that could be found explains it
    return lost, twice, f"lost: {_some(found.lost)}; too often: {_some(found.extra)}"


def _some(names: Collection[str]) -> str:
    if not names:
        return "none that is known"
    return ", ".join(list(names)[:NAMED]) + (f", … ({len(names)})" if len(names) > NAMED else "")
