"""An event wakes the index for its user, whose point is then the stored state's."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve

from application.active_recipe import ACTIVE_RECIPE
from application.follow_embeddings import MOMENT_SECONDS
from application.ports.message_source import Verdict
from application.ports.queues import WORK_QUEUE
from application.update import UpdateReport
from domain.errors import RecipeChangedError, TransientError, UnavailableError
from domain.recipe import Recipe
from tests.builders import bought, deliveries, retraction, searched, viewed
from tests.shop import DIMENSIONS, Shop
from tests.unit.index_side import IndexSide
from tests.unit.test_dead_letters import letter


@pytest.fixture
def side(shop: Shop) -> IndexSide:
    return IndexSide(shop)


class MeanwhileStop:
    """Lets something happen whenever somebody waits."""

    def __init__(self, shop: Shop, happens: Callable[[], object]) -> None:
        self.asked = False
        self._shop = shop
        self._happens = happens

    def wait(self, seconds: float) -> bool:
        self._happens()
        self._shop.storage.clock.advance(timedelta(seconds=seconds))
        return self.asked


def _verdicts(report: UpdateReport) -> list[Verdict]:
    return [outcome.verdict for outcome in report.outcomes]


def test_a_point_is_the_stored_embedding_with_what_is_known_beside_it(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"), bought("m2", "mug"), searched("m3"))

    report = side.deliver("m1", "m2", "m3")

    point, state = side.point(), shop.state()
    assert _verdicts(report) == [Verdict.APPLIED] * 3
    assert point is not None
    assert np.array_equal(point.vector, state.embedding)
    assert state.as_of is not None
    assert point.payload == {
        "event_count": 3,
        "as_of": state.as_of.isoformat(),
        "last_products": ("mug", "tea"),
    }


def test_a_point_that_is_right_already_is_not_written_again(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    side.deliver("m1")
    before = side.storage.users.puts

    assert side.deliver("m1").newly_applied == []
    assert side.storage.users.puts == before


def test_what_the_embeddings_have_not_applied_is_waited_for_a_moment_and_then_put_off(
    side: IndexSide, shop: Shop
) -> None:
    shop.record(viewed("m1"))
    started = shop.clock.monotonic()

    report = side.deliver("m1")

    assert _verdicts(report) == [Verdict.NOT_TRIED]
    assert isinstance(report.outcomes[0].error, TransientError)
    assert not isinstance(report.outcomes[0].error, UnavailableError)  # which counts as an attempt where that is wanted
    assert shop.clock.monotonic() - started == pytest.approx(MOMENT_SECONDS, abs=0.1)
    assert side.point() is None


def test_what_is_applied_while_it_is_waited_for_is_followed(side: IndexSide, shop: Shop) -> None:
    shop.record(viewed("m1"))
    side = IndexSide(shop, stop=MeanwhileStop(shop, shop.work))

    assert _verdicts(side.deliver("m1")) == [Verdict.APPLIED]
    assert list(side.wrong()) == []


def test_nobody_waits_for_the_late_of_others(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    shop.record(viewed("b1", user_id="bob"))

    assert _verdicts(side.deliver("m1", "b1")) == [Verdict.APPLIED, Verdict.NOT_TRIED]
    assert side.point() is not None


def test_what_is_late_for_long_is_put_off_at_once(side: IndexSide, shop: Shop) -> None:
    shop.record(viewed("m1"))
    shop.storage.clock.advance(timedelta(seconds=11))
    started = shop.clock.monotonic()

    assert _verdicts(side.deliver("m1")) == [Verdict.NOT_TRIED]
    assert shop.clock.monotonic() == started


def test_who_is_asked_to_end_does_not_wait(side: IndexSide, shop: Shop) -> None:
    shop.record(viewed("m1"))
    side.stop.asked = True

    assert _verdicts(side.deliver("m1")) == [Verdict.NOT_TRIED]


def test_what_waits_for_its_product_is_settled_and_comes_again_with_it(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1", "pot"))

    assert _verdicts(side.deliver("m1")) == [Verdict.APPLIED]
    shop.stock(pot="red pot")
    assert [row.logged.event.message_id for row in shop.outbox.due(shop.clock.now(), 10)] == ["m1"]
    shop.work()
    side.deliver("m1")

    assert list(side.wrong()) == []
    assert side.point() is not None


def test_what_is_dead_to_the_embeddings_is_settled(side: IndexSide, shop: Shop) -> None:
    shop.record(viewed("m1"))
    shop.dead_letters.add([letter("m1", queue=WORK_QUEUE)])

    assert _verdicts(side.deliver("m1")) == [Verdict.APPLIED]


def test_what_the_log_does_not_hold_any_more_is_waited_for_by_nobody(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    side.deliver("m1")
    [late] = deliveries(side.logged("m1"))
    shop.storage.database.by_message.clear()
    shop.storage.database.by_user.clear()
    shop.storage.store.states.clear()

    assert _verdicts(side.apply([late])) == [Verdict.APPLIED]
    assert side.point() is None


def test_what_the_log_holds_at_another_position_by_now_comes_with_that(side: IndexSide, shop: Shop) -> None:
    shop.record(viewed("m1"))
    [late] = deliveries(evolve(side.logged("m1"), position=7))

    assert _verdicts(side.apply([late])) == [Verdict.APPLIED]


def test_a_user_whose_last_event_is_taken_back_has_no_point_any_more(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    side.deliver("m1")
    shop.apply(retraction("m2", "m1"))

    side.deliver("m2")

    assert side.storage.users.points == {}


def test_freshness_is_measured_by_the_newest_event_of_each_user_who_changed(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"), viewed("m2", "mug"), viewed("b1", user_id="bob"))
    side.deliver("b1")

    report = side.deliver("m2", "m1", "b1")

    assert [logged.event.message_id for logged in report.newly_applied] == ["m2"]


def test_a_process_of_a_recipe_that_is_not_active_any_more_ends(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    shop.registry.set(ACTIVE_RECIPE, Recipe(model="another", dimensions=DIMENSIONS).as_json())

    with pytest.raises(RecipeChangedError):
        side.deliver("m1")


def test_a_state_of_another_model_makes_no_point_and_one_of_an_older_recipe_does(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"), viewed("b1", user_id="bob"))
    states = shop.storage.store.states
    states["ann"], states["bob"] = evolve(states["ann"], model="another"), evolve(states["bob"], recipe="older")

    side.deliver("m1", "b1")

    assert (side.point("ann"), side.point("bob") is not None) == (None, True)


def test_a_damaged_point_is_put_right_by_the_next_event(side: IndexSide, shop: Shop) -> None:
    shop.apply(viewed("m1"))
    side.deliver("m1")
    side.storage.users.points["ann"] = None

    side.deliver("m1")

    assert list(side.wrong()) == []
