"""A shop whose past and future an evaluation is tried on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
from attrs import define, field

from application.collect_events import CollectEvents
from application.evaluate import Evaluate, Question
from application.evaluation import Evaluation, TargetScores
from application.read_material import Material
from domain.blend import Blend, Source
from domain.instant import to_microseconds
from domain.interaction import Event, EventType, Interaction, Retraction
from domain.recipe import Recipe
from domain.vectors import SubjectVectors

AT = datetime(2026, 3, 1, tzinfo=UTC)
"""The moment that parts past and future."""
DIMENSIONS = 16
RECIPE = Recipe(model="by hand", dimensions=DIMENSIONS)
QUESTION = Question(at_us=to_microseconds(AT), min_events=2, ks=(3, 10), resamples=200)


@define
class World:
    """Events as they come to mind, and the vectors of products and phrases."""

    vectors: dict[str, np.ndarray] = field(factory=dict)
    events: list[Event] = field(factory=list)
    _numbers: Iterable[int] = field(factory=count)

    def did(
        self, user: str, subject: str, days: float, event_type: EventType = EventType.PURCHASE, name: str | None = None
    ) -> None:
        """A user did something so many days after the moment; before it, if negative."""
        is_search = event_type is EventType.SEARCH
        event = Interaction(
            message_id=name if name is not None else f"m{next(iter(self._numbers))}",
            user_id=user,
            event_type=event_type,
            product_id=None if is_search else subject,
            search_phrase=subject if is_search else None,
            occurred_at=AT + timedelta(days=days),
        )
        self.events.append(event)

    def took_back(self, user: str, name: str, days: float) -> None:
        """The user took an event back."""
        at = AT + timedelta(days=days)
        message_id = f"m{next(iter(self._numbers))}"
        self.events.append(Retraction(message_id=message_id, user_id=user, retracts=name, occurred_at=at))

    def material(self, order: Sequence[int] | None = None) -> Material:
        """What there is to evaluate on, collected in this order."""
        collected = CollectEvents()
        for number in order if order is not None else range(len(self.events)):
            collected.add(self.events[number], number)
        return Material.of(collected.columns(), subject_vectors(self.vectors))


def subject_vectors(vectors: Mapping[str, np.ndarray]) -> SubjectVectors:
    """Vectors by the id of the product, or by the phrase, as Penchant keeps them."""
    matrix = np.array(list(vectors.values()), dtype=np.float32).reshape(-1, DIMENSIONS)
    rows = {name: row for row, name in enumerate(vectors)}
    return SubjectVectors(matrix=matrix, products=rows, phrases=rows)


def tastes(seed: int = 5, users: int = 80, groups: int = 8, products: int = 12) -> World:
    """A shop in which each user belongs to a group, and buys its products only: the perfect signal.

    Each buys half of them before the moment, and one more after it.
    """
    draw = np.random.default_rng(seed)
    world = World()
    for group in range(groups):
        for number in range(products):
            world.vectors[f"p{group}-{number:02}"] = np.eye(DIMENSIONS)[group]
    for user in range(users):
        group = user % groups
        bought = draw.permutation(products)
        for number in bought[: products // 2]:
            world.did(f"u{user:03}", f"p{group}-{number:02}", -float(draw.uniform(1, 60)))
        world.did(f"u{user:03}", f"p{group}-{bought[-1]:02}", float(draw.uniform(1, 20)))
    return world


def ask(material: Material, question: Question = QUESTION, sources: Collection[Source] = tuple(Source)) -> Evaluation:
    """Evaluate with the recipe of these tests."""
    return Evaluate(material, question, RECIPE, Blend(), sources)(lambda _: None)


def target_of(evaluation: Evaluation, name: str) -> TargetScores:
    """The scores at one target."""
    return next(target for target in evaluation.targets if target.name == name)


def value_of(target: TargetScores, ranker: str, metric: str = "MRR") -> float:
    """What a ranker reached."""
    return next(score.metrics[metric].value for score in target.rankers if score.name == ranker)
