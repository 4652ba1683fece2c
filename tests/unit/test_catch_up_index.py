"""What nobody has woken the index for is found by comparing it with what it follows."""

from datetime import timedelta

import pytest
from attrs import evolve

from application.active_recipe import ACTIVE_RECIPE
from application.catch_up import CatchUpReport
from application.change_recipe import CHANGE_UNDER_WAY
from application.wake_followers import WakeFollowers
from domain.errors import RecipeChangedError
from tests.builders import bought, products, viewed
from tests.shop import Shop
from tests.unit.index_side import IndexSide, IndexStorage

AT_ONCE = timedelta(0)


@pytest.fixture
def side(shop: Shop) -> IndexSide:
    """An index that is up to date, and live."""
    shop.apply(viewed("m1"), bought("b1", "mug", "bob"))
    side = IndexSide(shop)
    side.deliver("m1", "b1")
    list(side.follow_catalogue())
    return side


def _later(shop: Shop) -> None:
    shop.storage.clock.advance(timedelta(seconds=1))


def test_where_all_is_right_nothing_is_done(side: IndexSide) -> None:
    assert side.catch_up(AT_ONCE) == CatchUpReport()


def test_a_lost_wake_up_heals_and_is_counted(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m2", "mug"))
    _later(shop)

    assert side.catch_up(AT_ONCE).points == 1
    assert list(side.wrong()) == []
    assert shop.metrics.counters['penchant_caught_up_points_total{queue="events.qdrant"}'] == 1


def test_what_was_written_just_now_may_have_its_wake_up_on_its_way(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m2", "mug"))
    shop.storage.clock.advance(timedelta(minutes=9))

    assert sum(side.catch_up.pieces(), CatchUpReport()).points == 0
    shop.storage.clock.advance(timedelta(minutes=2))
    assert sum(side.catch_up.pieces(), CatchUpReport()).points == 1


def test_an_index_set_back_to_a_backup_or_emptied_heals(side: IndexSide, shop: Shop) -> None:
    old = dict(side.storage.users.points)
    shop.apply(viewed("m2", "mug"))
    side.deliver("m2")
    side.storage.users.points = old
    side.storage.products.points = {}
    _later(shop)

    assert side.catch_up(AT_ONCE).points == 3
    assert list(side.wrong()) == []
    assert set(side.storage.products.points) == {"tea", "mug"}


def test_the_point_of_a_user_whom_nobody_knows_any_more_is_removed(side: IndexSide, shop: Shop) -> None:
    del shop.storage.store.states["bob"]

    assert side.catch_up(AT_ONCE).points == 1
    assert set(side.storage.users.points) == {"ann"}


def test_a_point_without_a_mark_is_put_again_and_points_of_others_are_left_alone(side: IndexSide, shop: Shop) -> None:
    side.storage.users.points["ann"] = None
    side.storage.users.strays = {7}
    _later(shop)

    side.catch_up(AT_ONCE)

    assert list(side.wrong()) == []
    assert side.storage.users.strays == {7}


def test_a_new_model_is_searched_once_everything_is_in_its_collections(side: IndexSide) -> None:
    new = IndexSide(side.shop, IndexStorage(searched=side.storage.searched))
    building = new.catch_up.build()
    next(building)
    assert not new.storage.generation.is_live()

    list(building)

    assert new.storage.generation.is_live()
    assert [action for action, _, _ in new.journal.entries] == ["index_switched"]
    assert (list(new.wrong()), set(new.storage.products.points)) == ([], {"tea", "mug"})
    assert list(new.catch_up.build()) == []


def test_the_command_builds_a_new_model_however_young_the_states_are(side: IndexSide) -> None:
    new = IndexSide(side.shop, IndexStorage(searched=side.storage.searched))

    assert new.catch_up(timedelta(days=1)).points == 4
    assert new.storage.generation.is_live()


def test_a_new_model_is_not_searched_while_the_change_to_it_is_under_way(side: IndexSide, shop: Shop) -> None:
    new = IndexSide(shop, IndexStorage(searched=side.storage.searched))
    shop.storage.registry.set(CHANGE_UNDER_WAY, "the recipe that is left behind")

    new.catch_up(AT_ONCE)
    assert (list(new.catch_up.build()), new.storage.generation.is_live()) == ([], False)

    shop.storage.registry.set(CHANGE_UNDER_WAY, "")
    list(new.catch_up.build())
    assert new.storage.generation.is_live()


def test_progress_is_told_by_users(side: IndexSide) -> None:
    told: list[int] = []

    side.catch_up(AT_ONCE, told.append)

    assert sum(told) == 2


def test_the_catalogue_is_gone_through_only_after_it_has_changed(side: IndexSide, shop: Shop) -> None:
    assert list(side.follow_catalogue()) == []
    shop.stock(pot="red pot", tea="black tea")

    found = sum(side.follow_catalogue(), CatchUpReport())

    assert found.points == 2
    texts = {point.payload["text"] for point in side.storage.products.points.values() if point is not None}
    assert texts == {"black tea", "blue mug", "red pot"}
    assert list(side.follow_catalogue()) == []


def test_a_product_that_changes_while_the_catalogue_is_gone_through_is_not_missed(side: IndexSide, shop: Shop) -> None:
    shop.stock(pot="red pot")
    under_way = side.follow_catalogue()
    next(under_way)
    shop.stock(pot="green pot")
    list(under_way)

    list(side.follow_catalogue())

    point = side.storage.products.points["pot"]
    assert point is not None
    assert point.payload["text"] == "green pot"


def test_whoever_is_of_a_recipe_that_is_left_behind_changes_nothing(side: IndexSide, shop: Shop) -> None:
    before = dict(side.storage.users.points)
    shop.apply(viewed("m2", "mug"))
    shop.stock(pot="red pot")
    _later(shop)
    shop.storage.registry.set(ACTIVE_RECIPE, evolve(shop.recipe, model="another").as_json())

    for sweep in (side.catch_up, side.rebuild.all, lambda: list(side.follow_catalogue())):
        with pytest.raises(RecipeChangedError):
            sweep()

    assert (side.storage.users.points, "pot" in side.storage.products.points) == (before, False)


def test_whoever_is_in_the_middle_of_a_sweep_stops_when_its_recipe_is_left_behind(side: IndexSide, shop: Shop) -> None:
    pieces = side.catch_up.pieces()
    next(pieces)
    shop.storage.registry.set(ACTIVE_RECIPE, evolve(shop.recipe, model="another").as_json())

    with pytest.raises(RecipeChangedError):
        next(pieces)


def test_a_rebuild_puts_everything_anew_and_removes_what_is_of_nobody(side: IndexSide) -> None:
    side.damage("ann", vector=-side.storage.users.read(["ann"])["ann"].vector)
    side.storage.users.points["ghost"] = side.point("bob")
    side.storage.users.strays = {7, "somebody's"}
    side.storage.products.points["tea"] = None

    assert side.rebuild.all() == 2

    assert (list(side.wrong()), side.storage.users.strays) == ([], set())
    assert set(side.storage.users.points) == {"ann", "bob"}
    assert side.storage.products.points["tea"] is not None


def test_one_user_can_be_rebuilt(side: IndexSide) -> None:
    side.damage("ann", payload={})

    side.rebuild(["ann"])

    assert side.verify_users(["ann", "bob"]).mismatches == ()


def test_a_rebuild_of_the_embeddings_wakes_by_the_last_event_of_each_user(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m2", "mug"))
    wake = WakeFollowers(shop.log, shop.outbox)
    shop.rebuild(["ann", "bob"])

    wake(["ann", "bob", "nobody"])

    sent = [row.logged.event.message_id for row in shop.outbox.due(shop.clock.now(), 10)]
    assert sorted(sent) == ["b1", "m2"]
    side.deliver(*sent)
    assert list(side.wrong()) == []


def test_verify_finds_nothing_where_all_is_right(side: IndexSide) -> None:
    report = side.verify_users(["ann", "bob", "nobody"])

    assert (report.users, report.mismatches, report.lag) == (3, (), 0)
    assert side.verify_products(["tea", "mug"]).mismatches == ()
    assert sorted(id_ for page in side.verify_users.pages() for id_ in page) == ["ann", "bob"]


@pytest.mark.parametrize("turned", [0.001, 1.0])
def test_verify_finds_a_vector_that_is_off(side: IndexSide, turned: float) -> None:
    point = side.point()
    assert point is not None
    side.damage("ann", vector=point.vector + turned)

    assert [mismatch.user_id for mismatch in side.verify_users(["ann", "bob"]).mismatches] == ["ann"]


def test_verify_finds_a_payload_that_differs_and_a_point_that_makes_no_sense(side: IndexSide) -> None:
    side.damage("ann", payload={"event_count": 9})
    side.storage.users.points["bob"] = None

    reasons = {mismatch.user_id: mismatch.reason for mismatch in side.verify_users(["ann", "bob"]).mismatches}

    assert reasons["ann"] == "has a point whose event_count, as_of, last_products differs"
    assert reasons["bob"] == "has a point that makes no sense"


def test_verify_finds_the_point_of_nobody(side: IndexSide, shop: Shop) -> None:
    del shop.storage.store.states["bob"]

    everybody = [user_id for page in side.verify_users.pages() for user_id in page]

    assert [mismatch.user_id for mismatch in side.verify_users(everybody).mismatches] == ["bob"]


def test_what_is_only_late_is_lag(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m2", "mug"), viewed("c1", user_id="cid"))

    report = side.verify_users(["ann", "bob", "cid"])

    assert (report.lag, report.mismatches) == (2, ())


def test_recorded_events_that_are_not_applied_yet_change_no_point(side: IndexSide, shop: Shop) -> None:
    shop.record(*(viewed(f"n{number}", "mug") for number in range(60)))

    assert side.verify_users(["ann"]).mismatches == ()


def test_a_product_that_is_set_back_and_changed_again_is_seen(side: IndexSide, shop: Shop) -> None:
    stored = shop.storage.catalogue.read(["tea"])["tea"]
    shop.storage.clock.advance(timedelta(days=1))
    other = evolve(stored, product=products(tea="another tea")[0], updated_at=shop.clock.now())
    shop.storage.catalogue._products["tea"] = other  # a backup that has gone another way

    assert side.catch_up(AT_ONCE - timedelta(seconds=1)).points == 1
