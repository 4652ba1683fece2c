"""Deliveries become states: what is delivered again, early, late, or while others write."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from adapters.memory.product_catalogue import MemoryProductCatalogue
from application.active_recipe import ACTIVE_RECIPE
from application.ports.message_source import Delivery, Verdict
from application.state_writer import ATTEMPTS
from domain.applied_positions import AppliedPositions
from domain.decay import Decay
from domain.errors import PermanentError, RecipeMismatchError, TransientError
from domain.interaction import Event
from domain.recipe import Recipe
from domain.user_embedding import MAX_MISSING_GROWTH
from tests.builders import NOW, bought, deliveries, retraction, searched, viewed
from tests.interleaving import Actor
from tests.reference import is_exactly_empty
from tests.shop import DIMENSIONS, RECIPE, Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def _recorded(shop: Shop, *events: Event) -> list[Delivery]:
    """Record events, and deliver them by hand."""
    return deliveries(*(receipt.logged for receipt in shop.record(*events)))


def _verdicts(shop: Shop, some: list[Delivery]) -> list[Verdict]:
    return [outcome.verdict for outcome in shop.update(some).outcomes]


def test_an_applied_event_is_in_the_state(shop: Shop) -> None:
    assert _verdicts(shop, _recorded(shop, bought("m1", "tea", age_days=2))) == [Verdict.APPLIED]

    state = shop.state()
    np.testing.assert_array_equal(state.embedding, shop.catalogue.read(["tea"])["tea"].embedding)
    assert (state.norm, state.weight, state.event_count) == (pytest.approx(1.0), 1.0, 1)
    assert (state.recipe, state.model, state.version, state.last_updated) == (RECIPE.id, RECIPE.model, 1, NOW)


def test_a_duplicate_delivery_changes_nothing(shop: Shop) -> None:
    some = _recorded(shop, bought("m1", "tea"), viewed("m2", "mug"))
    shop.update(some)
    before = shop.state()

    assert _verdicts(shop, [*some, *some]) == [Verdict.APPLIED] * 4
    assert shop.state() is before


def test_no_deliveries_change_nothing(shop: Shop) -> None:
    assert list(shop.update([]).outcomes) == []


def test_a_retraction_leaves_exactly_nothing_of_the_only_event(shop: Shop) -> None:
    event, taken_back = _recorded(shop, bought("m1"), retraction("m2", "m1"))
    shop.update([event])

    shop.update([taken_back])

    assert is_exactly_empty(shop.state())
    assert shop.state().applied == AppliedPositions(2)


def test_a_retraction_that_comes_before_its_target_settles_both(shop: Shop) -> None:
    _, event, taken_back = some = _recorded(shop, viewed("m0"), bought("m1"), retraction("m2", "m1"))
    shop.update(some[:1])
    shop.rebuild.all()
    before = shop.state()

    assert _verdicts(shop, [taken_back]) == [Verdict.APPLIED]
    assert _verdicts(shop, [event]) == [Verdict.APPLIED]
    assert (shop.state().event_count, shop.state().weight) == (1, before.weight)


def test_an_event_and_its_retraction_in_one_batch_leave_an_ancient_event_as_it_was(shop: Shop) -> None:
    shop.apply(bought("m1", "tea", age_days=46_000))
    before = shop.state()

    shop.apply(bought("m2", "mug"), retraction("m3", "m2"))

    np.testing.assert_array_equal(shop.state().embedding, before.embedding)
    assert (shop.state().as_of, shop.state().norm) == (before.as_of, pytest.approx(before.norm))


def test_an_event_of_an_unknown_product_waits_and_takes_effect_with_it(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"), viewed("m2", "pot"), viewed("m3", "tea"))
    assert (shop.state().event_count, shop.state().applied) == (2, AppliedPositions(3, [(2, 2)]))
    assert shop.outbox.depth() == 0

    shop.stock(pot="iron pot")
    shop.work()

    assert (shop.state().event_count, shop.state().applied) == (3, AppliedPositions(3))


def test_deliveries_that_wait_for_a_product_are_counted_and_not_those_that_come_again_once_it_is_there(
    shop: Shop,
) -> None:
    some = _recorded(shop, viewed("m1", "tea"), viewed("m2", "pot"), searched("m3"), bought("m4", "mug"))
    shop.update(some)
    shop.stock(pot="iron pot")

    shop.update(some)

    assert shop.metrics.counters["penchant_deliveries_waiting_for_product_total"] == 1


def test_when_the_embedding_service_is_down_searches_come_later_and_products_go_on(shop: Shop) -> None:
    shop.embedder.down = True
    some = _recorded(shop, searched("m1"), viewed("m2"))

    outcomes = shop.update(some).outcomes

    assert [outcome.verdict for outcome in outcomes] == [Verdict.LATER, Verdict.APPLIED]
    assert isinstance(outcomes[0].error, TransientError)
    assert shop.state().applied == AppliedPositions(2, [(1, 1)])
    shop.embedder.down = False
    assert _verdicts(shop, some) == [Verdict.APPLIED, Verdict.APPLIED]
    assert shop.state().event_count == 2


def test_of_many_phrases_only_the_one_that_never_works_is_dead(shop: Shop) -> None:
    shop.embedder.refused = {"forbidden"}
    phrases = ["a gift", "a forbidden thing", "tea", "tea pot", "mug"]
    some = _recorded(shop, *(searched(f"m{n}", phrase) for n, phrase in enumerate(phrases)))

    outcomes = shop.update(some).outcomes

    dead = [outcome for outcome in outcomes if outcome.verdict is Verdict.DEAD]
    assert [outcome.delivery.logged.event.message_id for outcome in dead] == ["m1"]
    assert isinstance(dead[0].error, PermanentError)
    assert shop.state().event_count == 4


def test_a_retraction_whose_target_has_lost_its_vector_comes_later(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"))
    shop.storage.catalogue = MemoryProductCatalogue(DIMENSIONS, RECIPE.model)
    without_tea = Shop(shop.storage)

    [outcome] = without_tea.update(_recorded(without_tea, retraction("m2", "m1"))).outcomes

    assert (outcome.verdict, type(outcome.error)) == (Verdict.LATER, TransientError)
    assert without_tea.state().event_count == 1


def test_a_phrase_is_embedded_once_however_it_is_spelt(shop: Shop) -> None:
    before = shop.embedder.calls
    shop.apply(searched("m1", "green  tea"))
    shop.apply(searched("m2", " green tea "), searched("m3", "green tea"))

    assert shop.embedder.calls == before + 1
    assert shop.state().event_count == 3


def test_a_lost_race_starts_again_from_the_read_for_all_users(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1"), viewed("b1", user_id="bob"))
    some = _recorded(shop, bought("m2", "mug"), bought("b2", "mug", user_id="bob"), viewed("m3", "tea"))
    other = another(lambda it: it.update(some[:2]))
    other.run_to("MemoryUserEmbeddingStore.write")
    shop.update([some[2], some[0]])

    assert [outcome.verdict for outcome in other.run().outcomes] == [Verdict.APPLIED, Verdict.APPLIED]
    assert (shop.state("ann").event_count, shop.state("bob").event_count) == (3, 2)
    assert shop.verify.all().mismatches == ()


def test_a_worker_that_always_loses_gives_up_for_now(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m0"))
    mine = _recorded(shop, viewed("mine"))
    other = another(lambda it: it.update(mine))
    for _ in range(ATTEMPTS):
        other.run_to("MemoryUserEmbeddingStore.write")
        shop.rebuild(["bob"])
        shop.storage.store.states.pop("ann", None)
        shop.writer(["ann"], lambda stored: [shop.writer.empty("ann", stored.get("ann"))])
        other.step()

    with pytest.raises(TransientError, match="Other writers were first"):
        other.run()


def test_a_worker_whose_recipe_is_no_longer_active_stops_and_writes_nothing(shop: Shop) -> None:
    some = _recorded(shop, viewed("m1"))
    other = Recipe(model=RECIPE.model, dimensions=DIMENSIONS, decay=Decay(rate_per_day=0.5))
    shop.registry.set(ACTIVE_RECIPE, other.as_json())

    with pytest.raises(RecipeMismatchError, match=rf"Recipe {other.id} has been made active in place of {RECIPE.id}"):
        shop.update(some)
    assert shop.storage.store.states == {}


def test_a_process_of_another_recipe_does_not_start(shop: Shop) -> None:
    other = Recipe(model=RECIPE.model, dimensions=DIMENSIONS, decay=Decay(rate_per_day=0.5))

    with pytest.raises(RecipeMismatchError, match="EMBEDDING_DECAY_LAMBDA"):
        Shop(shop.storage, recipe=other)


def test_a_state_of_another_recipe_is_rebuilt_and_not_merged_with(shop: Shop) -> None:
    shop.apply(bought("m1", "tea", age_days=100))
    other = Recipe(model=RECIPE.model, dimensions=DIMENSIONS, decay=Decay(rate_per_day=0))
    shop.registry.set(ACTIVE_RECIPE, other.as_json())
    changed = Shop(shop.storage, recipe=other)

    report = changed.update(_recorded(shop, bought("m2", "tea")))

    assert report.rebuilt == {"recipe": 1}
    assert (changed.state().recipe, changed.state().weight, changed.state().version) == (other.id, 2.0, 2)
    assert changed.metrics.counters['penchant_rebuilds_total{queue="user_embedding_updates"}{reason="recipe"}'] == 1


@pytest.mark.parametrize(("gap", "reasons"), [(MAX_MISSING_GROWTH, {}), (MAX_MISSING_GROWTH + 1, {"missing": 1})])
def test_a_state_that_would_miss_too_much_is_rebuilt(shop: Shop, gap: int, reasons: dict[str, int]) -> None:
    shop.apply(viewed("m0"))
    some = _recorded(shop, *(viewed(f"m{n}") for n in range(1, gap + 2)))

    report = shop.update(some[-1:])

    assert report.rebuilt == reasons
    assert shop.state().event_count == (gap + 2 if reasons else 2)


def test_one_left_of_2000_events_is_exact(shop: Shop) -> None:
    random = Random(5)
    subjects = ["tea", "mug"]
    events = [bought(f"m{n}", random.choice(subjects), age_days=random.uniform(0, 60)) for n in range(2_000)]
    shop.record(*events)
    shop.work(batch_size=400)
    kept = events.pop(random.randrange(len(events)))
    random.shuffle(events)

    shop.record(*(retraction(f"r-{event.message_id}", event) for event in events))
    shop.work(batch_size=7)

    expected = shop.catalogue.read([kept.product_id])[kept.product_id].embedding
    age_days = (shop.state().as_of - kept.occurred_at).total_seconds() / 86_400
    assert np.linalg.norm(shop.state().embedding - expected) < 1e-5
    assert shop.state().norm == pytest.approx(np.exp(-0.023 * age_days), rel=1e-5)
    assert shop.state().event_count == 1
    assert shop.metrics.counters['penchant_rebuilds_total{queue="user_embedding_updates"}{reason="rounding"}'] >= 1


def test_a_new_user_whose_whole_log_is_delivered_needs_no_rebuild(shop: Shop) -> None:
    some = _recorded(shop, viewed("m1", "tea"), viewed("m2", "mug"))

    assert shop.update([*some, some[0]]).rebuilt == {}
    assert shop.state().event_count == 2


def test_a_new_user_of_whom_only_a_part_is_delivered_is_rebuilt(shop: Shop) -> None:
    _, second = _recorded(shop, viewed("m1", "tea"), viewed("m2", "mug"))

    assert shop.update([second]).rebuilt == {"new": 1}
    assert shop.state().event_count == 2


def test_a_new_user_whose_events_all_wait_gets_an_empty_state(shop: Shop) -> None:
    assert _verdicts(shop, _recorded(shop, viewed("m1", "unheard of"))) == [Verdict.APPLIED]

    assert is_exactly_empty(shop.state())
    assert shop.state().applied == AppliedPositions()


def test_a_retraction_whose_target_is_gone_from_the_log_is_settled_alone(shop: Shop) -> None:
    event, taken_back = _recorded(shop, viewed("m1", "tea"), retraction("m2", "m1"))
    shop.update([event])
    del shop.log._database.by_message["m1"]

    assert _verdicts(shop, [taken_back]) == [Verdict.APPLIED]
    assert shop.state().applied == AppliedPositions(2)
