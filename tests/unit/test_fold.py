import numpy as np

from domain.decayed_sums import BLOCK, DecayedSums
from domain.fold import fold
from domain.interaction import EventType
from domain.settlement import Effect
from tests.builders import interaction
from tests.unit.strategies import RECIPE, SUBJECTS, VECTORS, assert_equal, sums


def _bought(subject: str, age_days: float = 0.0, sign: int = 1) -> Effect:
    return Effect(interaction=interaction("m", EventType.PURCHASE, subject, age_days=age_days), sign=sign)


def test_each_user_gets_the_own_events_only() -> None:
    ann, bob = [_bought("tea", 3), _bought("mug")], [_bought("pot", 1)]

    folded = fold(DecayedSums.empty(3, RECIPE.dimensions), [ann, [], bob], VECTORS, RECIPE)

    np.testing.assert_allclose(folded.vectors, np.concatenate([s.vectors for s in (sums(ann), sums([]), sums(bob))]))
    assert list(folded.counts) == [2, 0, 1]


def test_more_events_than_fit_one_block_are_summed_the_same() -> None:
    many = [_bought(SUBJECTS[n % 4], age_days=n / 10) for n in range(BLOCK * 2 + 5)]
    one_by_one = DecayedSums.empty(1, RECIPE.dimensions)
    for effect in many:
        one_by_one = sums([effect], onto=one_by_one)

    assert_equal(sums(many), one_by_one, scale=len(many))


def test_taking_an_event_back_leaves_the_others() -> None:
    kept = [_bought("tea", 5), _bought("mug", 2)]

    left = sums([_bought("pot", 1, sign=-1)], onto=sums([*kept, _bought("pot", 1)]))

    assert_equal(left, sums(kept))


def test_folding_nothing_changes_nothing() -> None:
    before = sums([_bought("tea")])

    np.testing.assert_array_equal(sums([], onto=before).vectors, before.vectors)
