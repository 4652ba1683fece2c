"""Which half-lives and weights would have predicted best: found on parts of the past, and tested on what came after."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from application.climb import climb
from application.contenders import served
from application.contest import Tally, hold
from application.evaluability import check_events, check_parts, check_sides, check_users, notes
from application.evaluate import Question
from application.past import Past
from application.rankers import Ranker
from application.read_material import Material
from application.score_tallies import Draw, estimates_of
from application.setup import Setup, knobs, popularities
from application.targets import new_products
from application.tuning import FOUND, NOW, POPULARITY, TargetTest, Tuning
from application.validation import Validate, parts
from domain.blend import Source
from domain.decayed_sums import Integers
from domain.event_columns import TYPES


class Tune:
    """One tuning: what is asked is checked at once, and answered by the call.

    Raises
    ------
    InvalidValueError : the material does not say enough; the text says what is missing.
    """

    def __init__(self, material: Material, question: Question, now: Setup, sources: Collection[Source]) -> None:
        check_events(material.events)
        at_us = question.moment(material.events)
        self._question = question
        self._now = now
        self._sources = sources
        self._past = Past.of(material.events, material.vectors, at_us)
        future = material.events.since(at_us)
        check_sides(self._past, future)
        shelf = new_products(self._past, future, question.min_events)
        check_users(shelf, question.min_events)
        self._shelf = question.sampled(shelf)
        self._parts = parts(material, self._past.events, question.min_events, question.seed)
        check_parts(self._parts, question.min_events)
        self._notes = tuple(notes(self._past, future))

    def __call__(self, on_setup: Callable[[int], None]) -> Tuning:
        """Try setups and test the best of them; tell `on_setup` of each that was tried."""
        validate = Validate(self._parts, self._sources)

        def score(setup: Setup) -> float:
            on_setup(1)
            return validate(setup)

        types = [TYPES[number] for number in np.unique(self._past.events.types)]
        climbed = climb(self._now, knobs(types, self._sources), score)
        popularity = max(popularities(self._now), key=lambda setup: validate.of_source(Source.POPULAR, setup))
        return Tuning(
            at_us=self._past.at_us,
            types=types,
            sources=self._sources,
            parts=len(self._parts),
            tried=climbed.tried,
            users=len(self._shelf.users),
            now=self._now,
            found=climbed.setup,
            now_score=climbed.start_score,
            found_score=climbed.score,
            popularity_half_life_days=popularity.blend.popularity.half_life_days,
            targets=self._tested(climbed.setup, popularity),
            notes=self._notes,
        )

    def _tested(self, found: Setup, popularity: Setup) -> tuple[TargetTest, ...]:
        rankers: dict[str, Ranker] = {
            POPULARITY: served(self._past, Source.POPULAR, popularity.recipe, popularity.blend)
        }
        blends: dict[str, Mapping[str, float]] = {}
        for name, setup in ((NOW, self._now), (FOUND, found)):
            own = {f"{source} {name}": source for source in self._sources if setup.blend.weights[source] > 0}
            rankers |= {ours: served(self._past, source, setup.recipe, setup.blend) for ours, source in own.items()}
            blends[name] = {ours: setup.blend.weights[source] for ours, source in own.items()}
        rankers[POPULARITY] = served(self._past, Source.POPULAR, popularity.recipe, popularity.blend)
        tallies = hold(self._past, self._shelf, rankers, blends, self._question.ks, lambda _: None)
        draw = Draw(seed=self._question.seed, resamples=self._question.resamples).of(len(self._shelf.users))
        return tuple(_test(target, of_rankers, draw) for target, of_rankers in tallies.items())


def _test(target: str, tallies: Mapping[str, Tally], draw: Integers) -> TargetTest:
    found = tallies[FOUND]
    return TargetTest(
        name=target,
        metrics={name: estimates_of(tallies[name], draw) for name in (POPULARITY, NOW, FOUND)},
        over_now=estimates_of(found, draw, tallies[NOW]),
        over_popularity=estimates_of(found, draw, tallies[POPULARITY]),
    )
