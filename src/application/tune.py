"""Which half-lives and weights would have predicted best: found on parts of the past, and tested on what came after."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

import numpy as np

from application.climb import climb
from application.contenders import BESTSELLERS, RECENT_BESTSELLERS, RECENT_DAYS, served
from application.contest import Tally, hold
from application.evaluability import check_users, notes, notes_on_users
from application.evaluate import Question
from application.past import Past
from application.rankers import Ranker, bestsellers, popular
from application.read_material import Material
from application.score_tallies import Draw, estimates_of
from application.setup import HALF_LIVES_DAYS, Setup, knobs
from application.targets import new_products
from application.tuning import FOUND, NOW, POPULARITY, TargetTest, Tuning
from application.validation import Part, Validate, parts
from domain.blend import Source
from domain.decay import Decay
from domain.decayed_sums import Integers
from domain.event_columns import TYPES


class Tune:
    """One tuning: what is asked is checked at once, and answered by the call.

    Raises
    ------
    InvalidValueError : the material does not say enough; the text says what is missing.
    """

    def __init__(self, material: Material, question: Question, now: Setup, sources: Collection[Source]) -> None:
        now.blend.check_for(sources)
        self._question = question
        self._now = now
        self._sources = sources
        self._past, future = question.split(material)
        shelf = new_products(self._past, future, question.min_events)
        check_users(shelf, question.min_events)
        self._shelf = question.sampled(shelf)
        self._parts = self._validation(material)
        self._notes = (*notes(self._past, future), *notes_on_users(shelf, self._shelf))

    def _validation(self, material: Material) -> list[Part]:
        found = parts(material, self._past.at_us, self._question.min_events)
        for number, part in enumerate(found, start=1):
            check_users(part.shelf, self._question.min_events, f" (validation part {number} of {len(found)})")
        return [part.sample(self._question.seed) for part in found]

    def __call__(self, on_setup: Callable[[int], None]) -> Tuning:
        """Try setups and test the best of them; tell `on_setup` of each that was tried."""
        validate = Validate(self._parts, self._sources)

        def score(setup: Setup) -> float:
            on_setup(1)
            return validate(setup)

        types = [TYPES[number] for number in np.unique(self._past.events.types)]
        climbed = climb(self._now, knobs(types, self._sources), score)
        rankers = popularities(self._now)
        popularity = max(rankers, key=lambda name: validate.of_ranker(rankers[name]))
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
            popularity=popularity,
            targets=self._tested(climbed.setup, rankers[popularity]),
            notes=self._notes,
        )

    def _tested(self, found: Setup, popularity: Callable[[Past], Ranker]) -> tuple[TargetTest, ...]:
        rankers: dict[str, Ranker] = {POPULARITY: popularity(self._past)}
        blends: dict[str, Mapping[str, float]] = {}
        for name, setup in ((NOW, self._now), (FOUND, found)):
            own = {f"{source} {name}": source for source in self._sources if setup.blend.weights[source] > 0}
            rankers |= {ours: served(self._past, source, setup.recipe, setup.blend) for ours, source in own.items()}
            blends[name] = {ours: setup.blend.weights[source] for ours, source in own.items()}
        tallies = hold(self._past, self._shelf, rankers, blends, self._question.ks, lambda _: None)
        draw = Draw(seed=self._question.seed, resamples=self._question.resamples).of(len(self._shelf.users))
        return tuple(_test(target, of_rankers, draw) for target, of_rankers in tallies.items())


def popularities(now: Setup) -> Mapping[str, Callable[[Past], Ranker]]:
    """All that ranks the same for everybody: whoever is better than the best of these knows something of the user."""
    weights = now.recipe.weights
    return {
        BESTSELLERS: bestsellers,
        RECENT_BESTSELLERS: partial(bestsellers, days=RECENT_DAYS),
        **{
            f"popular, half-life {days:g} days": partial(popular, decay=Decay.of_half_life(days), weights=weights)
            for days in HALF_LIVES_DAYS
        },
    }


def _test(target: str, tallies: Mapping[str, Tally], draw: Integers) -> TargetTest:
    now, found, popularity = tallies[NOW], tallies[FOUND], tallies[POPULARITY]
    return TargetTest(
        name=target,
        metrics={name: estimates_of(tallies[name], draw) for name in (POPULARITY, NOW, FOUND)},
        over_now=estimates_of(found, draw, now),
        over_popularity=estimates_of(found, draw, popularity),
        now_over_popularity=estimates_of(now, draw, popularity),
    )
