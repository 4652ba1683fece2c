from collections.abc import Callable
from typing import Any

import pytest

from application.fold_from_log import USERS_AT_ONCE
from application.import_products import ABANDONED_AFTER, ATTEMPTS, ImportReport
from domain.attributes import Attribute, attributes_of
from domain.errors import InvalidValueError, TransientError
from domain.product import Product
from tests.builders import bought, deliveries, own_product, products, retraction, unit_vectors, viewed
from tests.interleaving import Actor
from tests.reference import RawEvent, assert_agrees, expected_of
from tests.shop import DIMENSIONS, RECIPE, Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def _assert_that_views_of(shop: Shop, *product_ids: str) -> None:
    """Fail unless ann's state is that of one view of each of these products, with their present vectors."""
    vectors = {product_id: product.embedding for product_id, product in shop.catalogue.read(product_ids).items()}
    raw = [
        RawEvent(user_id="ann", event_type="view", subject=product_id, occurred_at=viewed("m").occurred_at)
        for product_id in product_ids
    ]
    rate = RECIPE.decay.rate_per_day
    assert_agrees(shop.state(), expected_of(raw, "ann", vectors.__getitem__, RECIPE.weights, rate), rate)


def test_new_products_are_added(shop: Shop) -> None:
    report = shop.import_products(products(pot="iron pot", tin="small tin"))

    assert report == ImportReport(added=2)
    assert shop.catalogue.read(["pot"])["pot"].revision == 1
    assert shop.changes.product_ids() == set()


def test_what_is_there_already_is_not_embedded_again(shop: Shop) -> None:
    calls = shop.embedder.calls

    assert shop.import_products(products(tea="green tea", mug="blue mug")) == ImportReport(unchanged=2)
    assert shop.embedder.calls == calls


def test_of_two_products_with_one_id_the_last_counts(shop: Shop) -> None:
    shop.import_products([Product(product_id="pot", text="iron pot"), Product(product_id="pot", text="clay pot")])

    assert shop.catalogue.read(["pot"])["pot"].product.text == "clay pot"


def test_a_new_product_releases_the_events_that_wait_for_it(shop: Shop) -> None:
    shop.apply(viewed("m1", "pot"), viewed("m2", "tea"))

    report = shop.import_products(products(pot="iron pot"))
    shop.work()

    assert (report.added, report.events_released, report.users_rebuilt) == (1, 1, 0)
    _assert_that_views_of(shop, "pot", "tea")


def test_a_changed_text_rebuilds_the_users_of_the_product_only(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"), viewed("m2", "mug"), viewed("b1", "mug", user_id="bob"))
    bob = shop.state("bob")

    report = shop.import_products(products(tea="black tea", mug="blue mug"))

    assert (report.changed, report.unchanged, report.users_rebuilt) == (1, 1, 1)
    assert shop.catalogue.read(["tea"])["tea"].revision == 2
    assert shop.state("bob") is bob
    _assert_that_views_of(shop, "tea", "mug")


def test_a_text_without_a_vector_is_refused_and_nothing_is_stored(shop: Shop) -> None:
    shop.embedder.meaningless = {"?"}

    with pytest.raises(InvalidValueError, match="^text has length zero"):
        shop.import_products(products(pot="iron pot", tin="?"))
    assert (shop.catalogue.count(), shop.changes.product_ids()) == (2, set())


def test_when_the_embedding_service_is_down_nothing_is_stored(shop: Shop) -> None:
    shop.embedder.down = True

    with pytest.raises(TransientError):
        shop.import_products(products(pot="iron pot"))
    assert (shop.catalogue.count(), shop.changes.product_ids()) == (2, set())


@pytest.mark.parametrize("after_call", [False, True])
@pytest.mark.parametrize("moment", range(22))
def test_an_import_that_dies_at_any_moment_is_brought_to_its_end(
    shop: Shop, another: Another, moment: int, after_call: bool
) -> None:
    shop.apply(viewed("m1", "tea"), viewed("m2", "pot"))
    wanted = products(tea="black tea", pot="iron pot")
    dying = another(lambda it: it.import_products(wanted))
    for _ in range(moment):
        dying.step()
    dying.kill(after_call)

    shop.import_products.resume()
    shop.import_products(wanted)
    shop.work()

    assert {product_id: p.product.text for product_id, p in shop.catalogue.read(["tea", "pot"]).items()} == {
        "tea": "black tea",
        "pot": "iron pot",
    }
    assert shop.changes.product_ids() == set()
    _assert_that_views_of(shop, "tea", "pot")


def test_the_longest_import_above_is_over_before_the_last_moment(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1", "tea"), viewed("m2", "pot"))
    whole = another(lambda it: it.import_products(products(tea="black tea", pot="iron pot")))
    for _ in range(21):
        whole.step()

    assert whole.finished


def test_any_process_finishes_what_another_began_before_it_imports(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1", "tea"))
    dying = another(lambda it: it.import_products(products(tea="black tea")))
    dying.run_to("MemoryEventLog.users_of_products")
    dying.kill()

    report = shop.import_products(products(pot="iron pot"))

    assert (report.changed, report.users_rebuilt, report.added) == (1, 1, 1)
    _assert_that_views_of(shop, "tea")


def test_an_abandoned_import_is_finished_some_users_at_a_time_and_another_process_may_go_on(
    shop: Shop, another: Another
) -> None:
    users = [f"user {number}" for number in range(2 * USERS_AT_ONCE + 1)]
    shop.apply(*(viewed(f"m-{user}", "tea", user_id=user) for user in users))
    dying = another(lambda it: it.import_products(products(tea="black tea")))
    dying.run_to("MemoryProductCatalogue.put")
    dying.kill()
    assert list(shop.import_products.resume_abandoned()) == []
    shop.clock.advance(ABANDONED_AFTER)

    pieces = shop.import_products.resume_abandoned()
    assert [next(pieces).users_rebuilt for _ in range(3)] == [0, USERS_AT_ONCE, USERS_AT_ONCE]
    assert shop.changes.product_ids() == {"tea"}
    report = sum(Shop(shop.storage).import_products.resume_abandoned(), ImportReport())

    assert (report.changed, report.users_rebuilt) == (1, len(users))
    assert shop.changes.product_ids() == set()
    assert (shop.verify.all().mismatches, shop.verify.all().lag) == ((), 0)


def test_of_two_imports_of_one_product_the_later_wins_and_users_have_its_vector(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1", "tea"))
    slow = another(lambda it: it.import_products(products(tea="black tea")))
    slow.run_to("MemoryProductChanges.begin")
    shop.import_products(products(tea="white tea"))

    slow.run()

    assert shop.catalogue.read(["tea"])["tea"].product.text == "black tea"
    _assert_that_views_of(shop, "tea")


def test_an_import_that_others_always_overtake_gives_up_for_now(shop: Shop, another: Another) -> None:
    slow = another(lambda it: it.import_products(products(tea="black tea")))
    for attempt in range(ATTEMPTS):
        slow.run_to("MemoryProductChanges.begin")
        shop.import_products(products(tea=f"tea number {attempt}"))
        slow.step()

    with pytest.raises(TransientError, match="import these again"):
        slow.run()
    assert shop.changes.product_ids() == set()


def test_an_update_with_the_old_vector_does_not_outlive_the_change(shop: Shop, another: Another) -> None:
    shop.apply(bought("m0", "mug"), retraction("m00", "m0"), viewed("m1", "mug"))
    event = shop.record(viewed("m2", "tea"))[0].logged
    slow = another(lambda it: it.update(deliveries(event)))
    slow.run_to("MemoryUserEmbeddingStore.write")
    shop.import_products(products(tea="black tea"))

    slow.run()

    _assert_that_views_of(shop, "mug", "tea")


def _tea(*colours: str, text: str = "green tea") -> Product:
    return Product(product_id="tea", text=text, attributes=attributes_of({"colour": colours}))


def test_other_attributes_are_stored_and_nobody_is_rebuilt_and_nothing_embedded(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"))
    before, calls = shop.state(), shop.embedder.calls

    report = shop.import_products([_tea("green", "white")])

    assert report == ImportReport(changed=1)
    assert (shop.state(), shop.embedder.calls) == (before, calls)
    assert shop.state() is before
    assert set(shop.catalogue.having(frozenset({Attribute("colour", "white")}))) == {"tea"}
    assert shop.import_products([_tea("white", "green")]) == ImportReport(unchanged=1)


def test_a_product_that_comes_without_attributes_has_none_any_more(shop: Shop) -> None:
    shop.import_products([_tea("green")])

    assert shop.import_products(products(tea="green tea")) == ImportReport(changed=1)
    assert list(shop.catalogue.attribute_names()) == []


def test_text_and_attributes_may_change_at_once(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"))

    report = shop.import_products([_tea("black", text="black tea"), *products(mug="blue mug")])

    assert (report.changed, report.unchanged, report.users_rebuilt) == (1, 1, 1)
    assert shop.catalogue.read(["tea"])["tea"].product == _tea("black", text="black tea")
    _assert_that_views_of(shop, "tea")


@pytest.mark.parametrize("after_call", [False, True])
@pytest.mark.parametrize("moment", range(8))
def test_an_import_of_attributes_that_dies_at_any_moment_can_be_done_again(
    shop: Shop, another: Another, moment: int, after_call: bool
) -> None:
    dying = another(lambda it: it.import_products([_tea("green")]))
    for _ in range(moment):
        dying.step()
    dying.kill(after_call)

    shop.import_products([_tea("green")])

    assert shop.catalogue.read(["tea"])["tea"].product == _tea("green")
    assert set(shop.catalogue.having(_tea("green").attributes)) == {"tea"}


def test_attributes_that_another_import_overtakes_are_stored_all_the_same(shop: Shop, another: Another) -> None:
    slow = another(lambda it: it.import_products([_tea("green")]))
    slow.run_to("MemoryProductCatalogue.put")
    shop.import_products(products(tea="black tea"))

    slow.run()

    assert shop.catalogue.read(["tea"])["tea"].product == _tea("green")


def test_a_vector_of_the_shops_own_stands_in_place_of_that_of_the_text(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"), viewed("m2", "pot"))
    first, second = unit_vectors(2, DIMENSIONS)
    calls = shop.embedder.calls

    report = shop.import_products([own_product("tea", first), own_product("pot", second)])
    shop.work()

    assert (report.added, report.changed, report.users_rebuilt, report.events_released) == (1, 1, 1, 1)
    assert shop.embedder.calls == calls
    assert shop.catalogue.read(["tea"])["tea"].embedding.tobytes() == first.tobytes()
    assert shop.catalogue.read(["tea"])["tea"].model == RECIPE.model
    _assert_that_views_of(shop, "tea", "pot")


def test_another_text_beside_the_same_own_vector_rebuilds_nobody(shop: Shop) -> None:
    [vector] = unit_vectors(1, DIMENSIONS)
    shop.import_products([own_product("tea", vector)])
    shop.apply(viewed("m1", "tea"))

    told = Product(product_id="tea", text="a tea that is green", vector=vector)

    assert shop.import_products([told]) == ImportReport(changed=1)
    assert shop.catalogue.read(["tea"])["tea"].product.text == "a tea that is green"
    assert shop.import_products([told]) == ImportReport(unchanged=1)


def test_a_product_that_comes_without_its_own_vector_has_that_of_its_text_again(shop: Shop) -> None:
    made = shop.catalogue.read(["tea"])["tea"].embedding
    shop.import_products([Product(product_id="tea", text="green tea", vector=unit_vectors(1, DIMENSIONS)[0])])
    shop.apply(viewed("m1", "tea"))

    report = shop.import_products(products(tea="green tea"))

    assert (report.changed, report.users_rebuilt) == (1, 1)
    assert shop.catalogue.read(["tea"])["tea"].embedding.tobytes() == made.tobytes()
    _assert_that_views_of(shop, "tea")


def test_texts_and_own_vectors_in_one_import_keep_to_their_products(shop: Shop) -> None:
    [vector] = unit_vectors(1, DIMENSIONS)

    shop.import_products([*products(a="straw hat"), own_product("b", vector), *products(c="iron pot")])
    shop.import_products(products(hat="straw hat"))
    shop.import_products(products(pot="iron pot"))

    stored = {id_: found.embedding.tobytes() for id_, found in shop.catalogue.read([*"abc", "hat", "pot"]).items()}
    assert stored["b"] == vector.tobytes()
    assert (stored["a"], stored["c"]) == (stored["hat"], stored["pot"])
    assert stored["a"] != stored["c"]
