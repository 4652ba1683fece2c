"""How well different rankers would have predicted what users bought after a moment, from what lies before it."""

from collections.abc import Callable, Collection

import numpy as np
from attrs import field, frozen, validators

from application.contenders import blends, contenders
from application.contest import hold
from application.evaluability import (
    FEWEST_USERS,
    check_events,
    check_sides,
    check_users,
    notes,
    notes_on_users,
    too_few,
)
from application.evaluation import Evaluation
from application.past import Past
from application.read_material import Material
from application.score_tallies import Draw, score
from application.targets import Shelf, bought_again, new_products
from domain.blend import Blend, Source
from domain.event_columns import EventColumns
from domain.recipe import Recipe

MOST_CELLS = 50_000_000
"""Users times products: of more users, so many are drawn by lot that all of it takes minutes, not hours."""
MOST_USERS, LEAST_USERS = 20_000, 300
"""More say nothing more, of fewer intervals say too little; whatever there are of products."""


@frozen(kw_only=True)
class Question:
    """What is asked.

    `at_us` is the moment; None: that before which `train_share` of the events lie. Users need `min_events` before it.
    """

    at_us: int | None = None
    train_share: float = field(default=0.8, validator=[validators.gt(0.0), validators.lt(1.0)])
    min_events: int = field(default=5, validator=validators.ge(1))
    ks: tuple[int, ...] = field(default=(10, 50), validator=validators.deep_iterable(validators.ge(1)))
    seed: int = field(default=1, validator=validators.ge(0))
    resamples: int = field(default=1_000, validator=validators.ge(1))

    def split(self, material: Material) -> tuple[Past, EventColumns]:
        """What was known at the moment, and what came after it.

        Raises InvalidValueError when either says nothing; the text says what is missing.
        """
        check_events(material.events)
        given = self.at_us
        at_us = given if given is not None else material.events.time_of_share(self.train_share)
        past, future = Past.of(material.events, material.vectors, at_us), material.events.since(at_us)
        check_sides(past, future)
        return past, future

    def sampled(self, shelf: Shelf) -> Shelf:
        """The shelf for so many users that all rankings of them take minutes, not hours."""
        width = next(iter(shelf.targets.values())).width
        return shelf.sample(min(MOST_USERS, max(LEAST_USERS, MOST_CELLS // width)), self.seed)


class Evaluate:
    """One evaluation: what is asked is checked at once, and answered by the call.

    `sources` are those that are served here: the blend of these is held against the best single ranker.

    Raises
    ------
    InvalidValueError : the material does not say enough; the text says what is missing.
    """

    def __init__(
        self, material: Material, question: Question, recipe: Recipe, blend: Blend, sources: Collection[Source]
    ) -> None:
        blend.check_for(sources)
        self._question = question
        self._recipe = recipe
        self._blend = blend
        self._sources = sources
        self._past, self._future = question.split(material)
        self._notes = list(notes(self._past, self._future))
        self._shelves = self._sampled()

    @property
    def users(self) -> int:
        """For how many users lists are made; who is in two kinds of list counts twice."""
        return sum(len(shelf.users) for shelf in self._shelves)

    def __call__(self, on_users: Callable[[int], None]) -> Evaluation:
        """Hold all rankers against each other; tell `on_users` for how many users each step did."""
        past, question = self._past, self._question
        rankers = contenders(past, self._recipe, self._blend, question.seed)
        joined = blends(self._blend, self._sources)
        targets = [
            score(name, shelf, tallies, Draw(seed=question.seed, resamples=question.resamples))
            for shelf in self._shelves
            for name, tallies in hold(past, shelf, rankers, joined, question.ks, on_users).items()
        ]
        return Evaluation(
            at_us=past.at_us,
            users=int(np.count_nonzero(past.events_by_user())),
            events_before=len(past.events),
            events_after=len(self._future),
            candidates=len(past.candidates),
            targets=tuple(targets),
            notes=tuple(self._notes),
        )

    def _sampled(self) -> list[Shelf]:
        """New products, and what was bought again if enough users have done so."""
        question = self._question
        new, again = (make(self._past, self._future, question.min_events) for make in (new_products, bought_again))
        check_users(new, question.min_events)
        sampled = question.sampled(new)
        self._notes += notes_on_users(new, sampled)
        if len(again.users) < FEWEST_USERS:
            self._notes.append(f"Repeats are left out: users {too_few(again, question.min_events)}.")
            return [sampled]
        return [sampled, question.sampled(again)]
