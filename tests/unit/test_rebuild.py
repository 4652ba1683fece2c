from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import evolve

from domain.applied_positions import AppliedPositions
from tests.builders import bought, retraction, searched, viewed
from tests.interleaving import Actor
from tests.reference import is_exactly_empty
from tests.shop import Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def test_a_rebuild_gives_the_state_that_the_updates_gave(shop: Shop) -> None:
    for event in (bought("m1", "tea", age_days=9), searched("m2", "a gift"), viewed("m3", "mug", age_days=400)):
        shop.apply(event)
    before = shop.state()

    shop.rebuild(["ann"])

    after = shop.state()
    np.testing.assert_allclose(after.embedding, before.embedding, atol=1e-6)
    assert (after.event_count, after.applied, after.as_of) == (before.event_count, before.applied, before.as_of)
    assert (after.version, after.write_id != before.write_id) == (before.version + 1, True)


def test_a_rebuild_uses_nothing_of_what_is_stored(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"))
    right = shop.state()
    shop.storage.store.states["ann"] = evolve(right, norm=99.0, weight=5.0, event_count=7, applied=AppliedPositions(50))

    shop.rebuild(["ann"])

    assert (shop.state().norm, shop.state().weight, shop.state().event_count) == (right.norm, right.weight, 1)
    assert shop.state().applied == AppliedPositions(1)


def test_a_rebuild_embeds_nothing(shop: Shop) -> None:
    shop.apply(searched("m1", "a gift"))
    calls = shop.embedder.calls

    shop.rebuild.all()

    assert shop.embedder.calls == calls
    assert shop.state().event_count == 1


def test_events_that_wait_stay_missing_and_do_not_trigger_the_next_rebuild(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}", "pot") for n in range(100)), viewed("last", "tea"))

    shop.rebuild(["ann"])

    assert (shop.state().applied, shop.state().missing_after_rebuild) == (AppliedPositions(101, [(1, 100)]), 100)
    assert not shop.state().misses_too_much


def test_all_rebuilds_every_user_of_the_log_page_by_page(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}", user_id=f"user {n}") for n in range(1_203)))
    pages: list[int] = []

    assert shop.rebuild.all(pages.append) == 1_203
    assert pages == [500, 500, 203]
    assert len(shop.storage.store.states) == 1_203
    assert shop.verify.all().lag == 0
    assert shop.metrics.counters['penchant_rebuilds_total{queue="user_embedding_updates"}{reason="asked"}'] == 1_203


def test_all_empties_users_whom_the_log_has_forgotten(shop: Shop) -> None:
    shop.apply(bought("m1", "tea"))
    shop.storage.store.states["stray"] = evolve(shop.state(), user_id="stray")
    assert [mismatch.user_id for mismatch in shop.verify.all().mismatches] == ["stray"]

    assert shop.rebuild.all() == 2

    assert is_exactly_empty(shop.storage.store.states["stray"])
    assert shop.verify.all().mismatches == ()


def test_a_history_longer_than_a_page_is_rebuilt_whole(shop: Shop) -> None:
    shop.record(*(viewed(f"m{n}", ["tea", "mug"][n % 2], age_days=n / 50) for n in range(2_500)))
    shop.record(retraction("r1", "m3"), retraction("r2", "m2400"))

    shop.rebuild.all()

    assert (shop.state().event_count, shop.state().applied) == (2_498, AppliedPositions(2_502))
    assert shop.verify.all().mismatches == ()


def test_a_user_whose_events_are_all_taken_back_is_exactly_empty(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2", "pot"), retraction("m3", "m1"), retraction("m4", "m2"))

    shop.rebuild.all()

    assert is_exactly_empty(shop.state())
    assert shop.state().applied == AppliedPositions(4)


def test_a_rebuild_that_was_overtaken_is_done_again_in_full(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1"))
    other = another(lambda it: it.rebuild(["ann"]))
    other.run_to("MemoryUserEmbeddingStore.write")
    shop.apply(bought("m2", "mug"))

    other.run()

    assert shop.state().event_count == 2
    assert shop.verify.all().mismatches == ()


def test_a_user_named_twice_is_rebuilt_once(shop: Shop) -> None:
    shop.apply(viewed("m1", "tea"))

    shop.rebuild(["ann", "ann"])

    assert (shop.state().version, shop.state().event_count) == (2, 1)
