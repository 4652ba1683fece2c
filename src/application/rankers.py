"""Rankers: from the past to scores of all candidates, for many users at once."""

from collections.abc import Callable, Mapping

import numpy as np

from application.past import Past
from domain.decay import Decay
from domain.decayed_sums import DecayedSums, Effects, Floats, Integers
from domain.event_columns import TYPES, EventColumns
from domain.instant import MICROSECOND, MICROSECONDS_PER_DAY
from domain.interaction import EventType
from domain.popularity import ENOUGH, fading_popularity, window
from domain.ranking import Scores
from domain.vectors import Matrix

Ranker = Callable[[Integers], Scores]
"""Scores for some users (ascending numbers): ndarray of shape (users, m); -inf: not in the list."""

NO_DECAY = Decay(rate_per_day=0.0)
ALIKE: Mapping[EventType, float] = dict.fromkeys(EventType, 1.0)
"""Weights that count all event types alike."""
CANCELLED = 1e-9
"""A sum that is shorter than this part of its weight is rounding: its events cancel out."""


def chance(past: Past, seed: int) -> Ranker:
    """Scores by lot, for each user the same whoever is asked for beside."""
    width = len(past.candidates)
    return lambda users: np.array([np.random.default_rng([seed, user]).random(width) for user in users.tolist()])


def bestsellers(past: Past, days: float | None = None) -> Ranker:
    """How often each product was bought, in the last days or ever."""
    purchases = past.events.purchases()
    if days is not None:
        purchases = purchases.where(purchases.times_us >= past.at_us - int(days * MICROSECONDS_PER_DAY))
    counts = np.bincount(purchases.subjects, minlength=len(past.events.product_ids))[past.candidates]
    return _same_for_all(np.where(counts > 0, counts, -np.inf))


def popular(past: Past, decay: Decay, weights: Mapping[EventType, float]) -> Ranker:
    """The popularity that is served (`application.popular_products`)."""
    width = len(past.events.product_ids)
    events = past.events.where(past.events.subjects < width)
    recent = events.where(events.times_us >= past.at_us - window(decay) // MICROSECOND)
    counted = recent if len(np.unique(recent.subjects)) >= ENOUGH else events
    ages_days = past.at_us // MICROSECONDS_PER_DAY - counted.times_us // MICROSECONDS_PER_DAY
    scores = fading_popularity(counted.subjects, _weights(counted, weights), ages_days, decay, width)
    return _same_for_all(scores[past.candidates])


def decayed_mean(past: Past, decay: Decay, weights: Mapping[EventType, float]) -> Ranker:
    """Nearness to the sum that Penchant keeps of each user, with this decay and these weights."""

    def vectors_of(users: Integers) -> Matrix:
        sums = decayed_sums(past, users, decay, weights)
        lengths = sums.norms
        known = lengths > CANCELLED * sums.weights
        return _scaled(sums.vectors, np.where(known, lengths, np.inf))

    return _nearness(past, vectors_of)


def decayed_sums(past: Past, users: Integers, decay: Decay, weights: Mapping[EventType, float]) -> DecayedSums:
    """The sums of these users (ascending), by the same arithmetic that applies events."""
    events = past.usable_of(users)
    effects = Effects(
        owners=np.searchsorted(users, events.users),
        signs=np.ones(len(events)),
        weights=_weights(events, weights),
        times_us=events.times_us,
        vector_rows=events.subjects,
        vectors=past.vectors,
    )
    return DecayedSums.empty(len(users), past.vectors.shape[1]).with_effects(effects, decay)


def last_item(past: Past) -> Ranker:
    """Nearness to what the user had to do with last."""

    def vectors_of(users: Integers) -> Matrix:
        events = past.usable_of(users)
        last = np.searchsorted(events.users, users, side="right") - 1
        vectors = np.zeros((len(users), past.vectors.shape[1]), dtype=np.float32)
        known = np.isin(users, events.users)
        vectors[known] = past.vectors[events.subjects[last[known]]]
        return vectors

    return _nearness(past, vectors_of)


def _weights(events: EventColumns, weights: Mapping[EventType, float]) -> Floats:
    """What the type of each event counts."""
    by_type: Floats = np.array([weights[event_type] for event_type in TYPES])[events.types]
    return by_type


def _same_for_all(scores: Floats) -> Ranker:
    return lambda users: np.broadcast_to(scores, (len(users), len(scores)))


def _scaled(vectors: Floats, lengths: Floats) -> Matrix:
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def _nearness(past: Past, vectors_of: Callable[[Integers], Matrix]) -> Ranker:
    """The cosine of each user's vector with each candidate's, where there are both; zeros stand for no vector."""
    products = past.candidate_vectors
    without_vector = ~past.has_vector[past.candidates]

    def score(users: Integers) -> Scores:
        vectors = vectors_of(users)
        scores: Scores = vectors @ products.T
        scores[:, without_vector] = -np.inf
        scores[~vectors.any(axis=1)] = -np.inf
        return scores

    return score
