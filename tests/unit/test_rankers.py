"""Each ranker by itself."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from attrs import evolve

from application.bought_with import bought_with
from application.collect_events import CollectEvents
from application.past import Past
from application.rankers import ALIKE, NO_DECAY, Ranker, bestsellers, chance, decayed_mean, last_item, popular
from application.read_material import Material
from domain.decay import Decay
from domain.instant import to_microseconds
from domain.interaction import Event
from domain.vectors import SubjectVectors
from tests.builders import NOW, bought, searched, viewed
from tests.shop import Shop

EVENTS: tuple[Event, ...] = (
    bought("m1", "tea", age_days=30),
    bought("m2", "tea", age_days=20),
    viewed("m3", "pot", age_days=9),
    searched("m4", "straw hat", age_days=2),
    bought("m5", "tea", "bob", age_days=40),
    bought("m6", "mug", "bob", age_days=3),
    bought("m7", "mug", "cid", age_days=1),
    bought("m8", "cup", "cid", age_days=1),
    bought("m9", "tea", "cid", age_days=13),
)
CANDIDATES = ["cup", "mug", "pot", "tea"]
USERS = ["ann", "bob", "cid"]
MONTH = Decay(rate_per_day=0.023)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop in which all of that has happened."""
    shop.stock(pot="tea pot", cup="tea cup", hat="straw hat")
    shop.apply(*EVENTS)
    return shop


@pytest.fixture
def past(stocked: Shop) -> Past:
    """What an evaluation knows of it."""
    collected = CollectEvents()
    for number, event in enumerate(EVENTS):
        collected.add(event, number)
    products = stocked.catalogue.vectors(["hat", *CANDIDATES])
    phrases = stocked.phrase_vectors.get(stocked.recipe.model, ["straw hat"])
    material = Material.of(collected.columns(), SubjectVectors.of(products, phrases))
    return Past.of(material.events, material.vectors, to_microseconds(NOW))


def _scores(past: Past, ranker: Ranker, user: str) -> list[float]:
    assert [past.events.product_ids[product] for product in past.candidates] == CANDIDATES
    return ranker(np.array([USERS.index(user)]))[0].tolist()


def test_bestsellers_count_purchases(past: Past) -> None:
    assert _scores(past, bestsellers(past), "ann") == [1, 2, -np.inf, 4]


def test_recent_bestsellers_count_those_of_the_last_days(past: Past) -> None:
    assert _scores(past, bestsellers(past, 14), "ann") == [1, 2, -np.inf, 1]
    assert _scores(past, bestsellers(past, 13), "bob") == [1, 2, -np.inf, 1]
    assert _scores(past, bestsellers(past, 12.9), "bob") == [1, 2, -np.inf, -np.inf]


def test_the_decayed_mean_is_nearness_to_the_embedding_that_is_stored(stocked: Shop, past: Past) -> None:
    ranker = decayed_mean(past, stocked.recipe.decay, stocked.recipe.weights)

    _, vectors = stocked.catalogue.vectors(CANDIDATES)
    for user in USERS:
        embedding = stocked.state(user).embedding
        assert _scores(past, ranker, user) == pytest.approx((vectors @ embedding).tolist(), abs=1e-6)


def test_without_decay_and_with_all_alike_it_is_the_plain_mean(stocked: Shop, past: Past) -> None:
    _, (tea, pot) = stocked.catalogue.vectors(["tea", "pot"])
    _, (phrase,) = stocked.phrase_vectors.get(stocked.recipe.model, ["straw hat"])
    mean = 2 * tea + pot + phrase
    _, vectors = stocked.catalogue.vectors(CANDIDATES)

    scores = _scores(past, decayed_mean(past, NO_DECAY, ALIKE), "ann")

    assert scores == pytest.approx((vectors @ mean / np.linalg.norm(mean)).tolist(), abs=1e-6)


def test_the_last_item_may_be_a_search(stocked: Shop, past: Past) -> None:
    _, vectors = stocked.catalogue.vectors(CANDIDATES)
    _, (phrase,) = stocked.phrase_vectors.get(stocked.recipe.model, ["straw hat"])
    _, (mug,) = stocked.catalogue.vectors(["mug"])

    assert _scores(past, last_item(past), "ann") == pytest.approx((vectors @ phrase).tolist(), abs=1e-6)
    assert _scores(past, last_item(past), "bob") == pytest.approx((vectors @ mug).tolist(), abs=1e-6)


@pytest.mark.parametrize("make", [partial(decayed_mean, decay=MONTH, weights=ALIKE), last_item])
def test_nearness_is_the_same_whoever_is_asked_for_beside(past: Past, make: Callable[[Past], Ranker]) -> None:
    ranker = make(past)
    together = ranker(np.arange(len(USERS)))

    for users in ([0, 2], [1], [1, 2]):
        assert ranker(np.array(users)) == pytest.approx(together[users], rel=1e-6)


@pytest.mark.parametrize("make", [partial(decayed_mean, decay=MONTH, weights=ALIKE), last_item])
def test_who_has_nothing_to_do_with_a_vector_has_no_list(past: Past, make: Callable[[Past], Ranker]) -> None:
    without = evolve(past, vectors=np.zeros_like(past.vectors))
    ann_only = evolve(past, events=past.events.where(past.events.users == 0))

    assert np.isneginf(make(without)(np.array([0, 1]))).all()
    assert np.isneginf(make(ann_only)(np.array([0, 1]))).tolist() == [[False, False], [True, True]]


def test_popularity_fades_by_the_day_and_counts_what_its_type_does(stocked: Shop, past: Past) -> None:
    scores = _scores(past, popular(past, MONTH, stocked.recipe.weights), "ann")

    fading = np.exp(-0.023 * np.arange(60))
    tea, mug = fading[[30, 20, 40, 13]].sum(), fading[[3, 1]].sum()
    assert scores == pytest.approx([fading[1], mug, 0.3 * fading[9], tea])


def test_where_enough_is_popular_what_is_old_is_not_in_the_list(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    week = Decay.of_half_life(1)
    assert np.isfinite(_scores(past, popular(past, week, ALIKE), "ann")).all()

    monkeypatch.setattr("application.rankers.ENOUGH", 2)

    assert np.isfinite(_scores(past, popular(past, week, ALIKE), "ann")).tolist() == [True, True, False, False]


def test_bought_with_is_the_cosine_of_the_buyers(past: Past) -> None:
    scores = _scores(past, bought_with(past, NO_DECAY), "ann")

    # Tea was bought by all three, the mug by bob and cid, the cup by cid: |both| / sqrt(|one| * |other|).
    assert scores == pytest.approx([1 / np.sqrt(3 * 1), 2 / np.sqrt(3 * 2), -np.inf, -np.inf])


def test_of_many_products_bought_with_knows_the_most_bought(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.bought_with.MOST_PRODUCTS", 2)

    assert np.isfinite(_scores(past, bought_with(past, NO_DECAY), "ann")).tolist() == [False, True, False, False]


@pytest.mark.parametrize("many", [0.0, 0.2, 1.0])
def test_bought_with_is_the_same_for_whoever_bought_few_or_many(monkeypatch: pytest.MonkeyPatch, many: float) -> None:
    monkeypatch.setattr("application.bought_with.BASKET", 10)
    monkeypatch.setattr("application.bought_with.BUYERS", 5)
    monkeypatch.setattr("application.bought_with.USERS_AT_ONCE", 4)
    monkeypatch.setattr("application.bought_with.MANY", many)
    past = _past_of_many_purchases()
    users = np.arange(0, len(past.events.user_ids), 2)

    scores = bought_with(past, MONTH)(users)

    expected = [_bought_with_by_hand(past, user) for user in users.tolist()]
    assert scores == pytest.approx(np.array(expected), rel=1e-5)


def _past_of_many_purchases() -> Past:
    """Some users bought nearly everything, most very little, and products more than once."""
    draw = np.random.default_rng(3)
    collected = CollectEvents()
    for number in range(600):
        user, product = int(20 * draw.random() ** 3), int(draw.integers(30))
        collected.add(bought(f"m{number}", f"p{product}", f"u{user}", age_days=60 - number / 10), number)
    return Past.of(collected.columns(), np.zeros((30, 3), dtype=np.float32), to_microseconds(NOW))


def _bought_with_by_hand(past: Past, user: int) -> list[float]:
    """As `application.ports.co_purchases` says it, for a basket of 10 and the last 5 buyers."""
    events = past.events
    ages_us: dict[int, dict[int, int]] = {}
    for who, product, time_us in zip(events.users.tolist(), events.subjects.tolist(), events.times_us, strict=True):
        ages_us.setdefault(who, {})[product] = past.at_us - int(time_us)
    buyers = {
        product: sorted((who for who in ages_us if product in ages_us[who]), key=lambda who: ages_us[who][product])
        for product in past.candidates.tolist()
    }
    left = {who: {p: MONTH.factors(np.array([age]))[0] for p, age in ages_us[who].items()} for who in ages_us}
    scores = dict.fromkeys(buyers, 0.0)
    for one in sorted(ages_us[user], key=lambda product: ages_us[user][product])[:10]:
        for who in buyers[one][:5]:
            for other in set(ages_us[who]) - {one}:
                shared = left[who][one] * left[who][other]
                scores[other] += shared / np.sqrt(min(5, len(buyers[one])) * len(buyers[other]))
    return [score if score > 0 else -np.inf for score in scores.values()]


def test_chance_is_the_same_for_a_user_whoever_is_asked_for_beside(past: Past) -> None:
    ranker = chance(past, seed=4)

    assert ranker(np.array([0, 1, 2]))[1].tolist() == ranker(np.array([1]))[0].tolist()
    assert ranker(np.array([1])).tolist() != chance(past, seed=5)(np.array([1])).tolist()


def test_events_that_cancel_out_give_no_list(past: Past) -> None:
    weights = dict.fromkeys(ALIKE, 0.0)

    assert _scores(past, decayed_mean(past, MONTH, weights), "ann") == [-np.inf] * 4
