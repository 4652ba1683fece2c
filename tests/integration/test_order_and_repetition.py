"""Order and repetition at the source: real events shuffled, every tenth twice, two workers at once."""

import json
import multiprocessing
import random
from pathlib import Path

from application.rebuild import pages_of_users
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.integration.program import Program
from tests.integration.states import assert_same_states

WORKERS = 2
BATCH = 300


def work(home: Path, batch_size: int) -> None:
    """A worker of its own: applies what is in the outbox until it is empty."""
    container = Container(settings=Settings(PENCHANT_HOME=home))
    container.work().drain(batch_size)
    container.database().dispose()


def shuffle_outbox(container: Container) -> int:
    """Put everything that is in the log into the outbox in random order, every tenth event twice."""
    outbox = container.outbox()
    outbox.delete([delivery.tag for delivery in outbox.due(container.clock().now(), 1_000_000)])
    log = container.event_log()
    events = [logged for users in pages_of_users(log) for page in log.history(users) for logged in page]
    deliveries = events + events[::10]
    random.Random(7).shuffle(deliveries)
    outbox.add(deliveries)
    return len(deliveries)


def record_only(container: Container, messages: list[dict[str, object]], products: list[dict[str, str]]) -> None:
    """Bring events into the log without applying any."""
    from application.active_recipe import adopt_recipe
    from application.event_message import parse_event
    from domain.product import Product

    container.settings().home.mkdir(parents=True)
    container.schema().upgrade()
    adopt_recipe(container.registry(), container.recipe())
    container.import_products()([Product(**product) for product in products])
    container.record()([parse_event(message) for message in messages])


def test_shuffled_and_repeated_deliveries_to_two_workers_give_the_orderly_embeddings(
    tmp_path: Path, real_messages: list[dict[str, object]], real_products: list[dict[str, str]]
) -> None:
    orderly = Program(home=tmp_path / "orderly", folder=tmp_path)
    orderly.ok("products", "import", "-", stdin="".join(json.dumps(product) + "\n" for product in real_products))
    orderly.ok("events", "import", "-", stdin="".join(json.dumps(message) + "\n" for message in real_messages))
    shuffled = Program(home=tmp_path / "shuffled", folder=tmp_path)
    container = shuffled.container()
    record_only(container, real_messages, real_products)

    deliveries = shuffle_outbox(container)
    container.database().dispose()
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=work, args=(shuffled.home, BATCH)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=300)

    assert deliveries > len(real_messages)
    assert [worker.exitcode for worker in workers] == [0] * WORKERS
    assert_same_states(orderly, shuffled)
    report = shuffled.ok("verify", "--all", "--json").json
    assert (report["mismatches"], report["lag"]) == (0, 0)
