"""Validation: how good a setup is on parts of the past whose future is known."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from attrs import define, evolve, field, frozen

from application.contenders import served
from application.contest import blocks
from application.evaluability import check_candidates
from application.past import Past
from application.rankers import Ranker
from application.read_material import Material
from application.setup import Setup
from application.targets import DISCOVERIES, Shelf, new_products
from domain.blend import DEPTH, Source
from domain.decayed_sums import Integers
from domain.event_columns import EventColumns
from domain.ranking import Mask, Rankings, fused
from domain.ranking_metrics import reciprocal_rank_of

SHARES = (0.55, 0.7, 0.85, 1.0)
"""Of the known events: each part predicts what lies between its share and the next."""
MOST_CELLS, MOST_USERS, LEAST_USERS = 6_000_000, 4_000, 300
"""Users times products of a part: of more users, so many are drawn by lot, and never fewer or more than these."""
MOST_LISTS = 36
"""What one source ranks for one part takes about 3 MB; so many are kept, those that were used last."""


@frozen(kw_only=True, eq=False)
class Part:
    """What was known at a moment, and who discovered what until the next one."""

    past: Past
    shelf: Shelf

    def sample(self, seed: int) -> "Part":
        """The same for fewer users, if there are many."""
        wanted = MOST_CELLS // max(1, len(self.past.candidates))
        return evolve(self, shelf=self.shelf.sample(min(MOST_USERS, max(LEAST_USERS, wanted)), seed))


def parts(material: Material, until_us: int, min_events: int) -> list[Part]:
    """The validation parts before a moment, none of which knows of anything that comes later.

    Raises InvalidValueError where there is nothing to recommend at the beginning of one.
    """
    known = material.events.until(until_us)
    moments = [*(known.time_of_share(share) for share in SHARES[:-1]), until_us]
    return [_part(material, known, min_events, *between) for between in pairwise(moments)]


def _part(material: Material, known: EventColumns, min_events: int, at_us: int, end_us: int) -> Part:
    past = Past.of(material.events, material.vectors, at_us)
    check_candidates(past)
    future = known.where(known.times_us < end_us).since(at_us)
    return Part(past=past, shelf=new_products(past, future, min_events))


@define(eq=False)
class Validate:
    """The mean over the parts of the MRR of discoveries."""

    _parts: Sequence[Part]
    _sources: Collection[Source]
    _lists: dict[Hashable, Sequence[Rankings]] = field(factory=dict)
    """By part, source and what of a setup concerns it, some users at a time: what was asked for last comes last."""

    def __call__(self, setup: Setup) -> float:
        """The score of the blend."""
        weights = {source: setup.blend.weights[source] for source in self._sources if setup.blend.weights[source] > 0}
        return float(np.mean([self._score(part, setup, weights) for part in self._parts]))

    def of_ranker(self, make: Callable[[Past], Ranker]) -> float:
        """The score of a single ranker."""
        return float(np.mean([_score_alone(part, make(part.past)) for part in self._parts]))

    def _score(self, part: Part, setup: Setup, weights: Mapping[Source, float]) -> float:
        lists = {source: self._ranked(part, source, setup) for source in weights}
        ranks = [
            reciprocal_rank_of(
                fused({source: lists[source][at] for source in weights}, weights), _relevant(part, users)
            )
            for at, users in enumerate(_blocks(part))
        ]
        return float(np.concatenate(ranks).mean())

    def _ranked(self, part: Part, source: Source, setup: Setup) -> Sequence[Rankings]:
        key = (id(part), source, _concerning(source, setup))
        found = self._lists.pop(key, None)
        lists = found if found is not None else _lists(part, served(part.past, source, setup.recipe, setup.blend))
        self._lists[key] = lists
        if len(self._lists) > MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        return lists


def _lists(part: Part, ranker: Ranker) -> Sequence[Rankings]:
    return [Rankings.of(ranker(users), part.shelf.allowed(part.past, users)).top(DEPTH) for users in _blocks(part)]


def _score_alone(part: Part, ranker: Ranker) -> float:
    ranks = [
        reciprocal_rank_of(
            np.where(part.shelf.allowed(part.past, users), ranker(users), -np.inf), _relevant(part, users)
        )
        for users in _blocks(part)
    ]
    return float(np.concatenate(ranks).mean())


def _blocks(part: Part) -> Iterator[Integers]:
    return blocks(part.shelf.users, len(part.past.candidates))


def _relevant(part: Part, users: Integers) -> Mask:
    return part.shelf.targets[DISCOVERIES].mask(users)


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
