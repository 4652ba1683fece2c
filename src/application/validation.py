"""Validation: how good a setup is on parts of the past whose future is known."""

from collections.abc import Collection, Hashable, Sequence
from itertools import pairwise

import numpy as np
from attrs import define, field, frozen

from application.contenders import served
from application.contest import blocks
from application.past import Past
from application.read_material import Material
from application.setup import Setup
from application.targets import DISCOVERIES, Shelf, new_products
from domain.blend import DEPTH, Source
from domain.event_columns import EventColumns
from domain.ranking import Rankings, fused
from domain.ranking_metrics import reciprocal_rank_of

SHARES = (0.55, 0.7, 0.85, 1.0)
"""Of the known events: each part predicts what lies between its share and the next."""
MOST_CELLS = 6_000_000
"""Users times products of a part: of more users, so many are drawn by lot."""


@frozen(kw_only=True, eq=False)
class Part:
    """What was known at a moment, and who discovered what until the next one."""

    past: Past
    shelf: Shelf


def parts(material: Material, known: EventColumns, min_events: int, seed: int) -> list[Part]:
    """The validation parts, none of which looks beyond `known`."""
    made = []
    for share, end in pairwise(SHARES):
        at_us = known.time_of_share(share)
        past = Past.of(known, material.vectors, at_us)
        future = known.where(known.times_us < known.time_of_share(end)) if end < 1 else known
        if len(past.candidates):
            shelf = new_products(past, future.since(at_us), min_events)
            made.append(Part(past=past, shelf=shelf.sample(max(1, MOST_CELLS // len(past.candidates)), seed)))
    return made


@define(eq=False)
class Validate:
    """The mean over the parts of the MRR of discoveries."""

    _parts: Sequence[Part]
    _sources: Collection[Source]
    _lists: dict[Hashable, Rankings] = field(factory=dict)
    """What has been ranked already, by part, source and what of a setup concerns it."""

    def __call__(self, setup: Setup) -> float:
        """The score of the blend."""
        weights = {source: setup.blend.weights[source] for source in self._sources if setup.blend.weights[source] > 0}
        return float(np.mean([self._score(part, setup, weights) for part in self._parts]))

    def of_source(self, source: Source, setup: Setup) -> float:
        """The score of a source alone."""
        return float(np.mean([self._score(part, setup, {source: 1.0}) for part in self._parts]))

    def _score(self, part: Part, setup: Setup, weights: dict[Source, float]) -> float:
        lists = {source: self._ranked(part, source, setup) for source in weights}
        relevant = part.shelf.targets[DISCOVERIES].mask(part.shelf.users)
        return float(reciprocal_rank_of(fused(lists, weights), relevant).mean())

    def _ranked(self, part: Part, source: Source, setup: Setup) -> Rankings:
        key = (id(part), source, _concerning(source, setup))
        if key not in self._lists:
            self._lists[key] = _rank(part, source, setup)
        return self._lists[key]


def _concerning(source: Source, setup: Setup) -> Hashable:
    """What of a setup decides the ranking of a source."""
    weights = tuple(setup.recipe.weights.items())
    match source:
        case Source.EMBEDDING:
            return setup.recipe.decay, weights
        case Source.POPULAR:
            return setup.blend.popularity, weights
        case Source.BOUGHT_WITH:
            return setup.blend.bought_with


def _rank(part: Part, source: Source, setup: Setup) -> Rankings:
    ranker = served(part.past, source, setup.recipe, setup.blend)
    some = [
        Rankings.of(ranker(users), part.shelf.allowed(part.past, users)).top(DEPTH)
        for users in blocks(part.shelf.users, len(part.past.candidates))
    ]
    return Rankings(
        order=np.concatenate([lists.order for lists in some]),
        lengths=np.concatenate([lists.lengths for lists in some]),
        width=len(part.past.candidates),
    )
