"""Verify finds what is wrong, and nothing else, while everything goes on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from application.active_recipe import ACTIVE_RECIPE
from application.ports.product_catalogue import CataloguePut
from domain.applied_positions import AppliedPositions
from domain.decay import Decay
from domain.interaction import EventType
from domain.recipe import DEFAULT_WEIGHTS, Recipe
from domain.user_embedding import UNREADABLE, UserEmbedding
from tests.builders import bought, deliveries, interaction, products, retraction, searched, viewed
from tests.interleaving import Actor
from tests.shop import DIMENSIONS, RECIPE, Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop in which some things have happened, all of them applied."""
    for event in (
        bought("m1", "tea", age_days=40),
        searched("m2", "a gift", age_days=3),
        viewed("m3", "mug"),
        viewed("m4", "tea"),
        retraction("m5", "m3"),
        bought("b1", user_id="bob"),
    ):
        shop.apply(event)
    return shop


def _tamper(shop: Shop, **changes: Any) -> None:
    shop.storage.store.states["ann"] = evolve(shop.state(), **changes)


def _only_reason(shop: Shop) -> str:
    [mismatch] = shop.verify.all().mismatches
    assert mismatch.user_id == "ann"
    return mismatch.reason


def _off_by_one_component(state: UserEmbedding) -> np.ndarray:
    embedding = state.embedding.copy()
    embedding[3] += np.float32(1e-5)
    return embedding


def test_what_was_applied_is_right(busy: Shop) -> None:
    report = busy.verify.all()

    assert (report.users, report.events, report.mismatches) == (2, 6, ())
    assert (report.lag, report.waiting) == (0, 0)
    assert 0 < report.max_error < 1e-6


def test_one_changed_component_is_found(busy: Shop) -> None:
    _tamper(busy, embedding=_off_by_one_component(busy.state()))

    assert _only_reason(busy).startswith("is off by 1.1e-05")


def test_a_changed_norm_is_found(busy: Shop) -> None:
    _tamper(busy, norm=busy.state().norm * 1.00001)

    assert _only_reason(busy).startswith("is off by")


def test_a_wrong_weight_is_found(busy: Shop) -> None:
    _tamper(busy, weight=busy.state().weight * 1.0001)

    assert _only_reason(busy).startswith("has weight")


def test_a_wrong_event_count_is_found(busy: Shop) -> None:
    _tamper(busy, event_count=4)

    assert _only_reason(busy) == "holds 4 live events; the log gives 3"


def test_an_applied_event_that_the_log_does_not_have_is_found(busy: Shop) -> None:
    _tamper(busy, applied=AppliedPositions(6))

    assert _only_reason(busy) == "says it has applied 6 events, of which the log holds 5"


def test_a_state_of_a_user_whom_the_log_does_not_know_is_found(busy: Shop) -> None:
    busy.storage.store.states["eve"] = evolve(busy.state(), user_id="eve", applied=AppliedPositions(3))

    assert [mismatch.user_id for mismatch in busy.verify.all().mismatches] == ["eve"]


def test_a_position_wrongly_marked_applied_is_found(busy: Shop) -> None:
    busy.record(viewed("m6"))
    _tamper(busy, applied=AppliedPositions(6))

    assert _only_reason(busy) == "holds 3 live events; the log gives 4"


def test_a_retraction_wrongly_marked_applied_is_found(busy: Shop) -> None:
    busy.record(retraction("m6", "m4"))
    _tamper(busy, applied=AppliedPositions(6))

    assert _only_reason(busy) == "holds 3 live events; the log gives 2"


def test_an_applied_event_whose_vector_is_gone_is_found(busy: Shop) -> None:
    busy.apply(viewed("m6", "tea"))
    busy.record(viewed("m7", "unheard of"))
    _tamper(busy, applied=AppliedPositions(7))

    assert _only_reason(busy) == "has applied an event whose vector is gone"


def test_a_product_vector_changed_behind_our_back_is_found(busy: Shop) -> None:
    tea, mug = (busy.catalogue.read([product_id])[product_id] for product_id in ("tea", "mug"))
    busy.catalogue.put([CataloguePut(product=evolve(tea, embedding=mug.embedding), expected_revision=1)])

    assert {mismatch.user_id for mismatch in busy.verify.all().mismatches} == {"ann", "bob"}


def test_events_that_are_not_applied_yet_are_lag(busy: Shop) -> None:
    busy.record(viewed("m6"), searched("m7", "never embedded"), viewed("n1", user_id="new"))

    report = busy.verify.all()

    assert (report.mismatches, report.lag, report.waiting) == ((), 3, 0)


def test_events_whose_product_is_unknown_are_waiting(busy: Shop) -> None:
    busy.apply(viewed("m6", "pot"), viewed("m7", "pot"), viewed("m8", "tin"), viewed("n1", "pot", user_id="new"))

    report = busy.verify.all()

    assert (report.mismatches, report.lag, report.waiting) == ((), 0, 4)


def test_a_deleted_state_is_lag(busy: Shop) -> None:
    busy.storage.store.states.pop("ann")

    report = busy.verify.all()

    assert (report.mismatches, report.lag) == ((), 5)


def test_a_state_of_another_recipe_is_lag(busy: Shop) -> None:
    other = Recipe(model=RECIPE.model, dimensions=DIMENSIONS, decay=Decay(rate_per_day=0.5))
    busy.registry.set(ACTIVE_RECIPE, other.as_json())

    report = Shop(busy.storage, recipe=other).verify.all()

    assert (report.mismatches, report.lag) == ((), 6)


def test_events_that_cancel_out_are_right() -> None:
    recipe = Recipe(
        model=RECIPE.model,
        dimensions=DIMENSIONS,
        weights={**DEFAULT_WEIGHTS, EventType.CLICK: -1.0, EventType.VIEW: 1.0},
    )
    shop = Shop(recipe=recipe)
    shop.stock(tea="green tea")
    shop.apply(viewed("m1"), interaction("m2", EventType.CLICK, "tea"))

    report = shop.verify.all()

    assert (shop.state().embedding, shop.state().event_count) == (None, 2)
    assert (report.mismatches, report.max_error) == ((), 0.0)


def test_a_user_of_whom_nothing_is_known_is_right(busy: Shop) -> None:
    report = busy.verify(["nobody", "nobody"])

    assert (report.users, report.events, report.mismatches, report.lag) == (1, 0, (), 0)


def test_it_tells_how_many_users_each_step_verified(busy: Shop) -> None:
    steps: list[int] = []

    busy.verify.all(steps.append)

    assert steps == [2]


def test_a_state_written_while_it_was_compared_is_looked_at_again(busy: Shop, another: Another) -> None:
    _tamper(busy, event_count=9)
    other = another(lambda it: it.verify.all())
    other.run_to("MemoryEventLog.history")
    busy.rebuild(["ann"])

    report = other.run()

    assert (report.users, report.events, report.mismatches, report.lag) == (2, 6, (), 0)


def test_a_state_that_never_stands_still_is_lag(busy: Shop, another: Another) -> None:
    _tamper(busy, event_count=9)
    other = another(lambda it: it.verify(["ann"]))
    while not other.finished:
        other.run_to("MemoryEventLog.history")
        _tamper(busy, write_id=busy.storage.ids.new())
        other.step()

    report = other.result
    assert (report.mismatches, report.lag) == ((), 1)


def test_a_product_change_under_way_is_lag(busy: Shop, another: Another) -> None:
    change = another(lambda it: it.import_products(products(tea="black tea")))
    change.run_to("MemoryEventLog.users_of_products")

    report = busy.verify.all()

    assert (report.mismatches, report.lag) == ((), 2)
    change.run()
    assert (busy.verify.all().mismatches, busy.verify.all().lag) == ((), 0)


@pytest.mark.parametrize("moment", range(40))
def test_a_product_change_at_any_moment_of_a_look_is_no_mismatch(busy: Shop, another: Another, moment: int) -> None:
    change = another(lambda it: it.import_products(products(tea="black tea")))
    change.run_to("MemoryEventLog.users_of_products")
    look = another(lambda it: it.verify.all())
    for _ in range(moment):
        look.step()

    change.run()

    assert look.run().mismatches == ()


def test_a_retracted_event_that_was_never_applied_is_no_mismatch(busy: Shop) -> None:
    _, taken_back = [r.logged for r in busy.record(viewed("m6"), retraction("m7", "m6"))]

    busy.update(deliveries(taken_back))

    assert (busy.verify.all().mismatches, busy.verify.all().lag) == ((), 0)


def test_a_state_that_cannot_be_read_is_found(busy: Shop) -> None:
    _tamper(busy, recipe=UNREADABLE)

    assert "cannot be read" in _only_reason(busy)


def test_a_state_cannot_excuse_itself_with_an_error_of_its_own(busy: Shop) -> None:
    _tamper(busy, embedding=-busy.state().embedding, error=10.0)

    assert "is off by" in _only_reason(busy)


def test_an_embedding_that_is_not_of_unit_length_is_found(busy: Shop) -> None:
    _tamper(busy, embedding=busy.state().embedding * np.float32(2), norm=busy.state().norm / 2)

    assert "of length 2, not 1" in _only_reason(busy)
