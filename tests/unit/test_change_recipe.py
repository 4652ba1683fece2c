from collections.abc import Callable

import pytest
from attrs import evolve

from application.active_recipe import ACTIVE_RECIPE
from application.change_recipe import RecipeChange, change_under_way
from domain.attributes import attributes_of
from domain.decay import Decay
from domain.errors import RecipeMismatchError, TransientError
from domain.interaction import EventType
from domain.product import Product
from tests.builders import bought, own_product, searched, unit_vectors, viewed
from tests.interleaving import Actor
from tests.shop import DIMENSIONS, RECIPE, Shop

QUICKER = evolve(RECIPE, decay=Decay(rate_per_day=0.2), weights={**RECIPE.weights, EventType.VIEW: -0.5})

Another = Callable[[Callable[[Shop], object]], Actor]


def _changed(shop: Shop) -> Shop:
    """A process of the new recipe on the same storage."""
    active = shop.registry.get(ACTIVE_RECIPE)
    other = Shop(shop.storage, adopt=False, recipe=QUICKER)
    assert shop.registry.get(ACTIVE_RECIPE) == active
    return other


def test_every_user_is_rebuilt_under_the_new_recipe(shop: Shop) -> None:
    shop.apply(bought("m1", age_days=10), viewed("m2", "mug"), searched("m3", user_id="bob"))
    other = _changed(shop)

    change = other.change_recipe()

    assert change == RecipeChange(users_rebuilt=2)
    assert {state.recipe for state in shop.storage.store.states.values()} == {QUICKER.id}
    assert other.verify.all().mismatches == ()
    assert other.change_recipe() == RecipeChange()


def test_a_worker_of_the_old_recipe_ends_at_its_next_write(shop: Shop) -> None:
    shop.apply(bought("m1"))
    _changed(shop).change_recipe()
    shop.record(bought("m2"))

    with pytest.raises(RecipeMismatchError):
        shop.work()


def test_a_change_that_was_cut_short_is_finished_by_the_next(shop: Shop) -> None:
    shop.apply(searched("m1"), searched("m2", user_id="bob"))
    other = _changed(shop)
    shop.registry.set("recipe_change", RECIPE.as_json())
    shop.registry.set(ACTIVE_RECIPE, QUICKER.as_json())
    assert change_under_way(shop.registry)

    assert other.change_recipe().users_rebuilt == 2
    assert not change_under_way(shop.registry)


def test_phrases_without_a_vector_are_embedded_before_anybody_is_rebuilt(shop: Shop) -> None:
    shop.record(searched("m1", "green  tea"))
    other = _changed(shop)
    other.embedder.down = True
    with pytest.raises(TransientError):
        other.change_recipe()
    other.embedder.down = False

    other.change_recipe()
    other.work()

    assert shop.state().event_count == 1


def _of_a_model_before(shop: Shop) -> None:
    """Let all that is in the catalogue have been embedded by another model."""
    stored = shop.storage.catalogue._products
    stored.update({product_id: evolve(product, model="model before") for product_id, product in stored.items()})


def test_products_with_vectors_of_their_own_are_named_and_wait_for_new_ones(shop: Shop) -> None:
    old, new = unit_vectors(2, DIMENSIONS)
    shop.import_products([own_product("own", old)])
    shop.apply(viewed("m1", "own"), viewed("m2", "tea"))
    _of_a_model_before(shop)
    other = _changed(shop)

    change = other.change_recipe()
    waiting = other.catalogue.unknown(["own", "tea"])
    other.import_products([own_product("own", new)])

    assert (change.products_with_old_vector, change.products_embedded) == (("own",), 2)
    assert set(waiting) == {"own"}
    assert set(other.catalogue.unknown(["own"])) == set()
    assert list(other.catalogue.outdated_own()) == []
    assert other.verify.all().mismatches == ()


def test_products_keep_their_attributes_when_they_are_embedded_anew(shop: Shop) -> None:
    described = Product(product_id="tea", text="green tea", attributes=attributes_of({"colour": ["green"]}))
    shop.import_products([described])
    _of_a_model_before(shop)

    _changed(shop).change_recipe()

    assert shop.catalogue.read(["tea"])["tea"].product == described


def test_catch_up_rebuilds_whom_a_change_has_left_behind(shop: Shop) -> None:
    shop.apply(bought("m1"), searched("m2", user_id="bob"))
    other = _changed(shop)
    shop.registry.set(ACTIVE_RECIPE, QUICKER.as_json())

    report = other.catch_up()

    assert report.rebuilt == 2
    assert {state.recipe for state in shop.storage.store.states.values()} == {QUICKER.id}
    assert other.verify.all().mismatches == ()
