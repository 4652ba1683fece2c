from datetime import timedelta

from application.catch_up import CatchUp, CatchUpReport
from application.catch_up_in_turn import CatchUpInTurn
from application.fold_from_log import USERS_AT_ONCE
from application.phrases import EmbedPhrases
from tests.builders import bought, retraction, searched, viewed
from tests.shop import Shop

AT_ONCE = timedelta(0)


def _lose_everything_on_its_way(shop: Shop) -> None:
    shop.outbox.delete([delivery.tag for delivery in shop.outbox.due(shop.clock.now(), 1_000)])


def test_a_deleted_state_heals_and_is_counted(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"), viewed("m2", "mug"), bought("b1", user_id="bob"))
    before = shop.storage.store.states.pop("ann")

    report = shop.catch_up(older_than=AT_ONCE)
    shop.work()

    assert (report.users, report.events) == (1, 2)
    assert (shop.state().event_count, shop.state().weight) == (before.event_count, before.weight)
    assert shop.metrics.counters['penchant_caught_up_events_total{queue="user_embedding_updates"}'] == 2
    assert shop.verify.all().lag == 0


def test_a_state_set_back_to_an_older_copy_heals(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"))
    copy = shop.state()
    shop.apply(viewed("m2", "mug"), viewed("m3", "tea"), retraction("m4", "m1"))
    shop.storage.store.states["ann"] = copy

    report = shop.catch_up(older_than=AT_ONCE)
    shop.work()

    assert (report.users, report.events) == (1, 3)
    assert (shop.state().event_count, shop.verify.all().mismatches) == (2, ())


def test_a_purged_queue_heals(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))
    _lose_everything_on_its_way(shop)

    shop.catch_up(older_than=AT_ONCE)
    shop.work()

    assert shop.state().event_count == 2


def test_what_is_young_may_be_on_its_way_and_is_left_alone(shop: Shop) -> None:
    shop.record(viewed("m1"))
    shop.clock.advance(timedelta(minutes=9))
    shop.record(viewed("m2"))
    _lose_everything_on_its_way(shop)
    shop.clock.advance(timedelta(minutes=1))

    report = shop.catch_up()

    assert (report.users, report.events) == (1, 1)
    assert [row.logged.event.message_id for row in shop.outbox.due(shop.clock.now(), 10)] == ["m1"]


def test_where_nothing_is_lost_nothing_is_sent_again(shop: Shop) -> None:
    shop.apply(viewed("m1"), retraction("m2", "m1"), searched("m3", user_id="bob"))

    report = shop.catch_up(older_than=AT_ONCE)

    assert (report.users, report.events, shop.outbox.depth()) == (0, 0, 0)


def test_what_waits_for_a_product_is_not_lost(shop: Shop) -> None:
    shop.apply(viewed("m1", "pot"), viewed("m2", "tea"), viewed("b1", "pot", user_id="bob"))

    assert shop.catch_up(older_than=AT_ONCE).events == 0


def test_a_retracted_event_waits_for_no_product(shop: Shop) -> None:
    shop.record(viewed("m1", "pot"), retraction("m2", "m1"))
    _lose_everything_on_its_way(shop)

    assert shop.catch_up(older_than=AT_ONCE).events == 2
    shop.work()
    assert len(shop.state().applied) == 2


def test_a_dead_letter_is_not_lost(shop: Shop) -> None:
    shop.embedder.refused = {"forbidden"}
    shop.apply(searched("m1", "forbidden"), viewed("m2"))

    assert shop.dead_letters.count() == 1
    assert shop.catch_up(older_than=AT_ONCE).events == 0


def test_it_tells_how_many_users_each_step_looked_at(shop: Shop) -> None:
    shop.apply(*(viewed(f"m{n}", user_id=f"user {n}") for n in range(501)))
    steps: list[int] = []

    shop.catch_up(on_users=steps.append)

    assert steps == [500, 1]


TURN = timedelta(minutes=10)
DEEP = 100


def _in_turn(shop: Shop) -> CatchUpInTurn:
    return CatchUpInTurn(shop.catch_up, shop.outbox, shop.registry, shop.clock, TURN, shop.worker())


def _lose_the_events_of(shop: Shop, users: int) -> None:
    """So many users have an event that is not on its way any more, recorded long ago."""
    shop.record(*(viewed(f"m{n}", user_id=f"user {n:05}") for n in range(users)))
    shop.outbox.delete([delivery.tag for delivery in shop.outbox.due(shop.clock.now(), users)])
    shop.clock.advance(timedelta(minutes=11))


def test_by_hand_it_waits_whenever_the_outbox_is_deep(shop: Shop) -> None:
    _lose_the_events_of(shop, 3 * USERS_AT_ONCE)
    depths: list[int] = []

    def work(depth: int) -> None:
        depths.append(depth)
        shop.work(USERS_AT_ONCE)

    report = shallow(shop)(when_deep=work)

    assert (report.users, report.events) == (3 * USERS_AT_ONCE, 3 * USERS_AT_ONCE)
    assert depths == [USERS_AT_ONCE] * 2


def test_in_turn_it_goes_on_where_it_was_once_a_deep_outbox_is_drained(shop: Shop) -> None:
    _lose_the_events_of(shop, 2 * USERS_AT_ONCE)
    pieces = CatchUpInTurn(shallow(shop), shop.outbox, shop.registry, shop.clock, TURN, shop.worker())()

    assert next(pieces) == CatchUpReport(users=USERS_AT_ONCE, events=USERS_AT_ONCE)
    for _ in range(20):
        assert next(pieces) is None
        shop.clock.advance(timedelta(seconds=0.3))
    assert shop.outbox.depth() == USERS_AT_ONCE
    shop.work()
    shop.clock.advance(timedelta(seconds=1))

    assert next(piece for piece in pieces if piece is not None) == CatchUpReport(
        users=USERS_AT_ONCE, events=USERS_AT_ONCE
    )
    shop.work()
    assert len(shop.storage.store.states) == 2 * USERS_AT_ONCE


def test_nobody_else_begins_while_one_is_about_it(shop: Shop) -> None:
    _lose_the_events_of(shop, 4 * USERS_AT_ONCE)
    pieces = _in_turn(shop)()

    for _ in range(4):
        next(pieces)
        shop.work(USERS_AT_ONCE)
        shop.clock.advance(TURN * 0.6)
        assert list(_in_turn(shop)()) == []


def test_one_that_was_taken_for_gone_leaves_it_to_its_follower(shop: Shop) -> None:
    _lose_the_events_of(shop, 3 * USERS_AT_ONCE)
    slow = _in_turn(shop)()
    next(slow)
    shop.work(USERS_AT_ONCE)
    shop.clock.advance(TURN)

    follower = list(_in_turn(shop)())

    assert len(follower) == 3
    assert list(slow) == []


def shallow(shop: Shop) -> CatchUp:
    """The same catch-up, for which an outbox of DEEP rows is deep."""
    return CatchUp(
        log=shop.log,
        outbox=shop.outbox,
        store=shop.store,
        catalogue=shop.catalogue,
        dead_letters=shop.dead_letters,
        phrases=EmbedPhrases(shop.embedder, shop.phrase_vectors, shop.clock, shop.metrics),
        rebuild=shop.rebuild,
        recipe=shop.recipe,
        clock=shop.clock,
        metrics=shop.metrics,
        deepest=DEEP,
    )
