import pytest

from adapters.outbox.message_source import NoQueues
from application.ports.queues import GRAPH_QUEUE, WORK_QUEUE
from application.queue_health import LookAtQueues, QueueHealth
from domain.errors import UnavailableError
from tests.builders import viewed
from tests.shop import Shop
from tests.unit.test_dead_letters import letter
from tests.unit.test_flow import Queues

CONSUMERS = (WORK_QUEUE, GRAPH_QUEUE)


class AwayOutbox:
    """An outbox that cannot be reached."""

    def depth(self) -> int:
        raise UnavailableError("The database is away.")


def test_lag_is_what_waits_in_the_outbox_the_queue_and_its_retries(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))
    look = LookAtQueues(Queues(work=(3, 1), retry=(4, 0), graph=(5, 0)), shop.outbox, shop.dead_letters, CONSUMERS)

    queues = look()

    assert queues is not None
    assert queues[WORK_QUEUE] == QueueHealth(messages=3, consumers=1, lag=9, dead_letters=0)
    assert queues[GRAPH_QUEUE] == QueueHealth(messages=5, consumers=0, lag=7, dead_letters=0)
    assert queues["failed"].lag is None


def test_dead_letters_are_those_of_each_queue(shop: Shop) -> None:
    shop.dead_letters.add([letter("m1", queue=GRAPH_QUEUE), letter("m2", queue=GRAPH_QUEUE)])

    queues = LookAtQueues(Queues(), shop.outbox, shop.dead_letters, CONSUMERS)()

    assert queues is not None
    assert (queues[GRAPH_QUEUE].dead_letters, queues[WORK_QUEUE].dead_letters) == (2, 0)


def test_without_the_log_the_broker_is_told_of_all_the_same(shop: Shop) -> None:
    queues = LookAtQueues(Queues(work=(3, 1)), AwayOutbox(), shop.dead_letters, CONSUMERS)()  # type: ignore[arg-type]

    assert queues is not None
    assert queues[WORK_QUEUE] == QueueHealth(messages=3, consumers=1, lag=None, dead_letters=None)


def test_without_a_broker_there_is_none(shop: Shop) -> None:
    assert LookAtQueues(NoQueues(), shop.outbox, shop.dead_letters, CONSUMERS)() is None


def test_a_broker_that_is_away_is_an_error(shop: Shop) -> None:
    queues = Queues()
    queues.error = UnavailableError("The broker is away.")

    with pytest.raises(UnavailableError):
        LookAtQueues(queues, shop.outbox, shop.dead_letters, CONSUMERS)()
