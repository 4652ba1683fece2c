from collections.abc import Mapping
from datetime import timedelta
from threading import Event

from adapters.outbox.message_source import NoQueues
from application.flow import LookAtFlow, OutboxState, Part
from application.ports.queues import GRAPH_QUEUE, WORK_QUEUE, QueueState
from domain.errors import NotSetUpError, PenchantError, UnavailableError
from tests.builders import viewed
from tests.services.waiting import wait_until
from tests.shop import Shop

DEADLINE_SECONDS = 30.0
ALL_UP = dict.fromkeys(Part, True)


class Queues:
    """Queues of a broker: messages and consumers of the work queue, of its retries, of the dead, and of the graph's."""

    def __init__(
        self,
        work: tuple[int, int] = (0, 0),
        failed: tuple[int, int] = (0, 0),
        retry: tuple[int, int] = (0, 0),
        graph: tuple[int, int] = (0, 0),
    ) -> None:
        self._states = {WORK_QUEUE: work, f"{WORK_QUEUE}.retry.5000": retry, "failed": failed, GRAPH_QUEUE: graph}
        self.error: PenchantError | None = None
        self.answers = Event()
        self.answers.set()
        self.asked = 0

    def states(self) -> Mapping[str, QueueState]:
        self.asked += 1
        assert self.answers.wait(DEADLINE_SECONDS)
        if self.error is not None:
            raise self.error
        return {name: QueueState(messages=m, consumers=c) for name, (m, c) in self._states.items()}


def flow_of(shop: Shop, **queues: tuple[int, int]) -> LookAtFlow:
    """Looks at the flow of a shop, with such queues."""
    return look_at(shop, Queues(**queues))


def look_at(shop: Shop, queues: Queues | NoQueues, patience_seconds: float = DEADLINE_SECONDS) -> LookAtFlow:
    """The same, with queues that may fail."""
    return LookAtFlow(
        outbox=shop.outbox,
        dead_letters=shop.dead_letters,
        queues=queues,
        store=shop.store,
        clock=shop.clock,
        patience_seconds=patience_seconds,
    )


def test_where_nothing_is_on_its_way_all_is_0(shop: Shop) -> None:
    flow = flow_of(shop)()

    assert flow.up == ALL_UP
    assert flow.outbox == OutboxState(events=0, oldest_seconds=0.0, dead_letters=0)
    assert (flow.lag, flow.workers) == (0, 0)


def test_a_broker_that_there_is_not_is_neither_up_nor_down(shop: Shop) -> None:
    flow = look_at(shop, NoQueues())()

    assert flow.up == {Part.LOG: True, Part.STORE: True}
    assert (flow.queues, flow.lag, flow.workers) == ({}, 0, None)


def test_a_broker_without_its_queues_is_not_up(shop: Shop) -> None:
    queues = Queues()
    queues.error = NotSetUpError("There is no queue.")

    assert look_at(shop, queues)().up == ALL_UP | {Part.BROKER: False}


def test_what_waits_in_the_outbox_and_on_the_broker_lags(shop: Shop) -> None:
    shop.record(viewed("m1"))
    shop.clock.advance(timedelta(seconds=90))
    shop.record(viewed("m2"))

    flow = flow_of(shop, work=(10, 3), retry=(4, 0), failed=(7, 0))()

    assert flow.outbox == OutboxState(events=2, oldest_seconds=90.0, dead_letters=0)
    assert (flow.lag, flow.workers) == (16, 3)


def test_each_consumer_has_its_own_lag_and_workers_and_what_waits_in_the_outbox_waits_for_all(shop: Shop) -> None:
    shop.record(viewed("m1"))

    flow = flow_of(shop, work=(10, 3), retry=(4, 0), graph=(200, 1))()

    assert (flow.lag, flow.workers) == (15, 3)
    assert (flow.lag_of(GRAPH_QUEUE), flow.workers_of(GRAPH_QUEUE)) == (201, 1)


def test_a_part_out_of_reach_leaves_what_the_others_know(shop: Shop) -> None:
    queues = Queues()
    queues.error = UnavailableError("The broker is away.")

    flow = look_at(shop, queues)()

    assert flow.up == ALL_UP | {Part.BROKER: False}
    assert flow.outbox is not None
    assert (flow.queues, flow.lag, flow.workers) == (None, None, None)


def test_a_part_that_hangs_is_not_waited_for_and_not_asked_twice(shop: Shop) -> None:
    queues = Queues()
    queues.answers.clear()
    look = look_at(shop, queues, patience_seconds=0.05)

    assert [look().up[Part.BROKER] for _ in range(3)] == [False] * 3
    assert queues.asked == 1
    queues.answers.set()

    wait_until(lambda: look().up[Part.BROKER], DEADLINE_SECONDS, "the broker to have answered")
