"""How well different rankers would have predicted what users bought after a moment, from what lies before it."""

from collections.abc import Callable

import numpy as np
from attrs import field, frozen, validators

from application.contenders import blends, contenders
from application.contest import hold
from application.evaluability import check_events, check_sides, notes
from application.evaluation import Evaluation
from application.past import Past
from application.read_material import Material
from application.score_tallies import Draw, score
from application.targets import Shelf, bought_again, new_products
from domain.blend import Blend
from domain.errors import InvalidValueError
from domain.recipe import Recipe

FEWEST_USERS = 20
"""Of fewer no interval can be told."""
MOST_CELLS = 50_000_000
"""Users times products: of more, so many users are drawn by lot that it takes minutes, not hours."""


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


class Evaluate:
    """One evaluation: what is asked is checked at once, and answered by the call.

    Raises
    ------
    InvalidValueError : the material does not say enough; the text says what is missing.
    """

    def __init__(self, material: Material, question: Question, recipe: Recipe, blend: Blend) -> None:
        check_events(material.events)
        given = question.at_us
        at_us = given if given is not None else material.events.time_of_share(question.train_share)
        self._question = question
        self._recipe = recipe
        self._blend = blend
        self._past = Past.of(material.events, material.vectors, at_us)
        self._future = material.events.since(at_us)
        check_sides(self._past, self._future)
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
        joined = blends(self._blend)
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
        question, most_users = self._question, max(FEWEST_USERS, MOST_CELLS // len(self._past.candidates))
        new, again = (make(self._past, self._future, question.min_events) for make in (new_products, bought_again))
        if len(new.users) < FEWEST_USERS:
            remedy = "lower --min-events, move --at to where more is known on both sides, or collect more events"
            raise InvalidValueError("users", _too_few(new, question), remedy)
        if len(again.users) < FEWEST_USERS:
            self._notes.append(f"Repeats are left out: users {_too_few(again, question)}.")
            return [new.sample(most_users, question.seed)]
        return [shelf.sample(most_users, question.seed) for shelf in (new, again)]


def _too_few(shelf: Shelf, question: Question) -> str:
    what = "what they had bought before" if shelf.of_bought else "something new"
    return (
        f"are too few: {len(shelf.users):,} with at least {question.min_events:,} events before the moment bought "
        f"{what} after it, and an interval needs {FEWEST_USERS}"
    )
