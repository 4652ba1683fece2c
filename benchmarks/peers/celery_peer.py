"""One round of Celery on the same servers and events, and how its vectors compare with what they should be."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from benchmarks import crew, shop
from benchmarks.contest import PROCESSES, Outcome
from benchmarks.peers import celery_app
from benchmarks.progress import SHORTEST_REST_SECONDS, Progress, applied_by_celery
from benchmarks.stack import Space, Stack
from domain.interaction import Interaction
from domain.recipe import DEFAULT_WEIGHTS

WRONG = 1e-4
"""A vector that is farther from the truth than this, relative to its length, is wrong: far above rounding."""


def celery_round(stack: Stack, events: Sequence[Interaction], **tuning: Any) -> Outcome:
    """Celery: everything is in its queue; a worker with a pool of two processes applies."""
    with stack.space() as space:
        with space.container() as container:
            shop.put_products(container, events)
        everything = [*open_shop(space, events), *events]
        publish(space, events, **tuning)
        command = ("-m", "celery", "-A", "benchmarks.peers.celery_app", "worker", "--loglevel", "CRITICAL")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        pool = ("--pool", "prefork", "--concurrency", str(PROCESSES))
        with (
            closing(crew.Depth(stack.rabbitmq, space.rabbitmq_url, celery_app.QUEUE)) as depth,
            crew.program((*command, *pool, *quiet), _peer_environment(space, **tuning), "celery") as child,
        ):
            workers = crew.Crew(child, supervised=True)
            with workers.watched():
                while depth.ready() == len(events):
                    if trouble := child.trouble():
                        raise RuntimeError(trouble)
                    time.sleep(SHORTEST_REST_SECONDS)
                start = crew.now()
                pids = {**stack.pids(), "workers": child.pid}
                before = crew.cpu_seconds(pids)
                progress = Progress(space, celery_app.QUEUE, celery_app.EMBEDDINGS, applied_by_celery, len(everything))
                progress.follow(until_quiet=True)
                cpu = crew.used_since(before, crew.cpu_seconds(pids))
        lost, twice, wrong = celery_compared(space, everything)
        return Outcome(
            seconds=progress.last - start,
            seconds_to_99=progress.most - start,
            lost=lost,
            twice=twice,
            wrong_users=wrong,
            cpu=cpu,
            peak_bytes=workers.peak_bytes,
        )


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
