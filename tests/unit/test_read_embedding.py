import math

import numpy as np
import pytest
from attrs import evolve

from application.read_embedding import ReadEmbedding
from application.subject_vectors import ReadSubjectVectors
from domain.errors import UnknownUserError
from tests.builders import bought, days_ago, retraction, viewed
from tests.shop import RECIPE, Shop


@pytest.fixture
def read(shop: Shop) -> ReadEmbedding:
    vectors = ReadSubjectVectors(shop.catalogue, shop.phrase_vectors, RECIPE.model)
    return ReadEmbedding(shop.store, shop.log, vectors, RECIPE)


def test_as_of_now_it_is_what_is_stored(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(bought("m1", "tea", age_days=2), viewed("m2", "mug", age_days=1))

    stored, folded = read.now("ann"), read.at("ann", shop.clock.now())

    assert stored.embedding is not None
    assert folded.embedding is not None
    assert np.allclose(stored.embedding, folded.embedding, atol=1e-6)
    assert (stored.event_count, folded.event_count) == (2, 2)


def test_what_occurred_later_is_not_in_it_whenever_it_was_recorded(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(viewed("m1", "mug", age_days=1))
    shop.apply(viewed("m2", "tea", age_days=20))

    assert [read.at("ann", days_ago(days)).event_count for days in (20, 10, 1)] == [1, 1, 2]


def test_weight_and_norm_are_as_of_the_time(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(bought("m1", "tea", age_days=30))

    state = read.at("ann", days_ago(0))

    assert state.weight == pytest.approx(math.exp(-0.023 * 30))
    assert (state.norm, state.as_of) == (pytest.approx(state.weight), days_ago(0))


def test_an_event_counts_until_it_was_taken_back(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(viewed("m1", "tea", age_days=20), evolve(retraction("m2", "m1"), occurred_at=days_ago(10)))

    before, after = read.at("ann", days_ago(11)), read.at("ann", days_ago(10))

    assert (before.event_count, after.event_count) == (1, 0)
    assert before.embedding is not None
    assert after.embedding is None


def test_of_events_that_all_were_taken_back_it_is_empty_and_not_unknown(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(viewed("m1", "tea", age_days=20), evolve(retraction("m2", "m1"), occurred_at=days_ago(20)))

    assert read.at("ann", days_ago(19)).as_of is None


def test_before_the_first_event_nothing_is_known(shop: Shop, read: ReadEmbedding) -> None:
    shop.apply(viewed("m1", "tea", age_days=20))

    with pytest.raises(UnknownUserError, match="no event by"):
        read.at("ann", days_ago(21))
    with pytest.raises(UnknownUserError):
        read.now("bob")
