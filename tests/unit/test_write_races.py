from collections.abc import Callable
from typing import Any

from application.work import WorkReport
from tests.builders import viewed
from tests.interleaving import Actor
from tests.shop import Shop

Another = Callable[[Callable[[Shop], Any]], Actor]


def test_a_worker_reports_how_many_states_it_had_to_write_again(shop: Shop, another: Another) -> None:
    shop.apply(viewed("m1"), viewed("b1", user_id="bob"))
    shop.record(viewed("m2"), viewed("b2", user_id="bob"))
    other = another(lambda it: it.worker().batch(10))
    other.run_to("MemoryUserEmbeddingStore.write")
    shop.rebuild(["ann", "bob"])

    assert other.run().races_lost == 2
    assert shop.state("ann").event_count == 2


def test_lost_races_of_several_batches_add_up() -> None:
    assert (WorkReport(races_lost=2) + WorkReport(races_lost=3)).races_lost == 5
