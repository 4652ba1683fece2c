"""That an evaluation measures what is served: the same lists, product by product."""

from collections.abc import Sequence

import numpy as np
import pytest

from adapters.memory.co_purchases import MemoryCoPurchases
from adapters.memory.graph import MemoryGraph
from application.candidates import BoughtWith
from application.collect_events import CollectEvents
from application.contenders import BLEND, blends, contenders
from application.contest import rank
from application.past import Past
from application.read_material import Material
from application.recommend import Wishes
from application.targets import Shelf
from domain.blend import Blend, Source
from domain.decay import Decay
from domain.instant import to_microseconds
from domain.interaction import EventType, Interaction
from domain.vectors import SubjectVectors
from tests.builders import NOW, interaction
from tests.shop import RECIPE, Shop

USERS = [f"user {number}" for number in range(25)]
PRODUCTS = [f"p{number:02}" for number in range(60)]
PHRASES = ["straw hat", "green tea", "night light"]
BLENDED = Blend(
    weights={Source.EMBEDDING: 1.0, Source.POPULAR: 0.5, Source.BOUGHT_WITH: 2.0},
    popularity=Decay.of_half_life(3),
    bought_with=Decay.of_half_life(20),
)


def _events(draw: np.random.Generator) -> Sequence[Interaction]:
    """Of all types, some products and users more often than others."""
    events = []
    for number in range(1_500):
        event_type = draw.choice(list(EventType), p=[0.1, 0.3, 0.2, 0.4])
        subject = draw.choice(PHRASES) if event_type == EventType.SEARCH else draw.choice(PRODUCTS)
        age_days = float(draw.integers(0, 60 * 86_400)) / 86_400
        user_id = USERS[int(draw.integers(1, len(USERS) + 1) * draw.random())]
        events.append(interaction(f"m{number}", EventType(event_type), str(subject), user_id, age_days))
    return events


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A shop with a past, and with a graph of it."""
    draw = np.random.default_rng(7)
    shop = Shop(blend=BLENDED)
    texts = ["".join(draw.choice(list("abcdefgh "), 20)) for _ in PRODUCTS[:-1]]
    shop.stock(**dict(zip(PRODUCTS, texts, strict=False)))  # the last has no vector
    events = _events(draw)
    shop.apply(*events)
    graph = MemoryGraph()
    with graph.transaction() as transaction:
        transaction.add(events)
    shop.sources[Source.BOUGHT_WITH] = BoughtWith(MemoryCoPurchases(graph), BLENDED, shop.clock)
    return shop


@pytest.fixture(scope="module")
def past(shop: Shop) -> Past:
    """What an evaluation knows of it at this moment."""
    collected = CollectEvents()
    for page in shop.log.history(USERS):
        for logged in page:
            collected.add(logged.event, logged.position)
    vectors = SubjectVectors.of(shop.catalogue.vectors(PRODUCTS), shop.phrase_vectors.get(RECIPE.model, PHRASES))
    material = Material.of(collected.columns(), vectors)
    return Past.of(material.events, material.vectors, to_microseconds(NOW))


def _measured(past: Past, sources: Sequence[Source]) -> dict[str, list[str]]:
    """The lists of all users by what an evaluation joins."""
    users = np.arange(len(past.events.user_ids))
    shelf = Shelf(of_bought=False, users=users, targets={})
    rankers = contenders(past, RECIPE, BLENDED, seed=1)
    weights = blends(BLENDED, list(Source))[BLEND]
    joined = {"these": {source: weight for source, weight in weights.items() if source in sources}}
    lists = dict(rank(past, shelf, rankers, joined, users))["these"]
    return {
        past.events.user_ids[user]: [past.events.product_ids[past.candidates[p]] for p in order[:length]]
        for user, order, length in zip(users, lists.order, lists.lengths, strict=True)
    }


CUTS = {
    "application.recommend.DEPTH": 9,
    "application.contest.DEPTH": 9,
    "application.candidates.BASKET": 4,
    "application.bought_with.BASKET": 4,
    "adapters.memory.co_purchases.BUYERS": 3,
    "application.bought_with.BUYERS": 3,
}
"""Where nearly all is cut off."""


@pytest.mark.parametrize("sources", [list(Source), *([source] for source in Source)], ids=str)
@pytest.mark.parametrize("is_cut", [False, True])
def test_what_is_measured_is_what_is_served(
    shop: Shop, past: Past, sources: Sequence[Source], is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in CUTS.items() if is_cut else ():
        monkeypatch.setattr(name, count)
    wishes = Wishes(limit=9 if is_cut else len(PRODUCTS), sources=sources)

    served = {user: [r.product_id for r in shop.recommend(user, wishes)] for user in USERS}

    assert served == {user: ids[: wishes.limit] for user, ids in _measured(past, sources).items()}
    assert sum(map(len, served.values())) > 7 * len(USERS)
