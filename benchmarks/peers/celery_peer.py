"""One round of Celery on the same servers and events, and how its vectors compare with what they should be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import crew, shop
from benchmarks.contest import PROCESSES, Outcome, Timed
from benchmarks.peers import celery_app
from benchmarks.progress import Progress, applied_by_celery
from benchmarks.stack import Space, Stack
from domain.interaction import Interaction
from domain.recipe import DEFAULT_WEIGHTS

COMMAND = (
    *("-m", "celery", "-A", "benchmarks.peers.celery_app", "worker", "--loglevel", "CRITICAL"),
    *("--pool", "prefork", "--concurrency", str(PROCESSES)),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)

WRONG = 1e-4
"""A vector that is farther from the truth than this, relative to its length, is wrong: far above rounding."""


def celery_round(stack: Stack, events: Sequence[Interaction], *, backlog: bool, **tuning: Any) -> Outcome:
    """Celery: a task is published for each event, and a worker with a pool of two processes applies them."""
    with stack.space() as space:
        with space.container() as container:
            shop.put_products(container, events)
        everything = [*open_shop(space, events), *events]
        declare(space, **tuning)
        with crew.program(COMMAND, _peer_environment(space, **tuning), "celery") as child:
            crew.wait_for_consumers(stack.rabbitmq, space.rabbitmq_url, celery_app.QUEUE, 1, child)
            progress = Progress(space, celery_app.QUEUE, celery_app.EMBEDDINGS, applied_by_celery, len(everything))
            workers = crew.Crew(child, supervised=True)
            timed = Timed.run(stack, workers, partial(publish, space, events, **tuning), progress, backlog=backlog)
        lost, twice, wrong = celery_compared(space, everything)
        return timed.outcome(progress, lost=lost, twice=twice, wrong=wrong)


def open_shop(space: Space, events: Sequence[Interaction]) -> list[Interaction]:
    """Apply an earlier purchase of each of these users, as for Penchant."""
    earlier = shop.earlier_purchases(events)
    product_ids = shop.products_of(events)
    with space.stack.mongodb.connect() as client:
        peer = celery_app.Shop(
            states=client[space.mongodb.database][celery_app.EMBEDDINGS],
            vectors=dict(zip(product_ids, shop.product_vectors(product_ids), strict=True)),
        )
        for event in earlier:
            peer.apply(message_of(event))
    return earlier


def message_of(event: Interaction) -> dict[str, str]:
    """The argument of a task."""
    return {
        "message_id": event.message_id,
        "user_id": event.user_id,
        "event_type": event.event_type.value,
        "product_id": event.product_id or "",
        "occurred_at": event.occurred_at.isoformat(),
    }


def declare(space: Space, **tuning: Any) -> None:
    """Make Celery's queue."""
    app = celery_app.celery(space.rabbitmq_url, **tuning)
    with app.connection_for_write() as connection:
        app.amqp.queues[celery_app.QUEUE](connection.default_channel).declare()


def publish(space: Space, events: Sequence[Interaction], **tuning: Any) -> None:
    """Put a task for each event into Celery's queue."""
    app = celery_app.celery(space.rabbitmq_url, **tuning)
    with app.producer_pool.acquire(block=True) as producer:
        for event in events:
            app.send_task(celery_app.TASK, (message_of(event),), producer=producer, ignore_result=True)
    app.close()


def celery_compared(space: Space, events: Sequence[Interaction]) -> tuple[int, int, int]:
    """Events that were lost, events that were counted twice, users whose vector is wrong."""
    expected = Counter(event.user_id for event in events)
    of_user: dict[str, list[Interaction]] = {}
    for event in events:
        of_user.setdefault(event.user_id, []).append(event)
    product_ids = shop.products_of(events)
    matrix = shop.product_vectors(product_ids).astype(np.float64)
    rows = {product_id: row for row, product_id in enumerate(product_ids)}
    with space.stack.mongodb.connect() as client:
        documents = client[space.mongodb.database][celery_app.EMBEDDINGS]
        stored = {document["_id"]: document for document in documents.find()}
    counts = {user_id: int(document["count"]) for user_id, document in stored.items()}
    lost = sum(max(0, count - counts.get(user_id, 0)) for user_id, count in expected.items())
    twice = sum(max(0, counts.get(user_id, 0) - count) for user_id, count in expected.items())
    wrong = sum(
        user_id not in stored
        or _is_wrong(stored[user_id], some, matrix[[rows[event.product_id or ""] for event in some]])
        for user_id, some in of_user.items()
    )
    return lost, twice, wrong


def _is_wrong(document: Mapping[str, Any], events: Sequence[Interaction], matrix: Any) -> bool:
    ages = np.array([document["as_of"] - event.occurred_at.timestamp() for event in events])
    weights = np.array([DEFAULT_WEIGHTS[event.event_type] for event in events])
    truth = (weights * np.exp(-celery_app.RATE_PER_SECOND * ages)) @ matrix
    stored = np.frombuffer(document["embedding"], dtype=np.float32) * document["norm"]
    return bool(np.linalg.norm(stored - truth) > WRONG * np.linalg.norm(truth))


def _peer_environment(space: Space, **tuning: Any) -> dict[str, str]:
    named = {"queue_type": "PEER_QUEUE_TYPE", "acks_late": "PEER_ACKS_LATE", "prefetch": "PEER_PREFETCH"}
    chosen = {named[name]: str(int(value)) if isinstance(value, bool) else str(value) for name, value in tuning.items()}
    return {
        "PEER_BROKER_URL": space.rabbitmq_url,
        "PEER_MONGODB_URL": space.mongodb.url,
        "PEER_MONGODB_DATABASE": space.mongodb.database,
        **chosen,
    }
