"""The same in plain Celery: one task an event, which reads the user's document, decays, adds and writes it back.

Two tasks of one user may run at once, so the write matches the version that was read; a task that comes second is
retried, as Celery does it: autoretry with backoff, three times. Settings follow the chapters "Optimizing" and "Workers"
of its documentation: many messages prefetched for short tasks, no results, no events, no rate limits.
"""

import math
import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from time import time
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen
from celery import Celery
from celery.signals import worker_init, worker_process_init
from kombu import Queue
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from domain.recipe import DEFAULT_DECAY, DEFAULT_WEIGHTS

TASK = "peers.apply_event"
QUEUE = "peer"
EMBEDDINGS = "celery_user_embeddings"
RATE_PER_SECOND = DEFAULT_DECAY.rate_per_day / 86_400

Document = dict[str, Any]
Vectors = Mapping[str, npt.NDArray[np.float32]]


class VersionConflictError(Exception):
    """Another task has written this user since we read."""


def celery(broker_url: str, queue_type: str = "classic", acks_late: bool = False, prefetch: int = 128) -> Celery:
    """Celery, tuned for many short tasks. The defaults are what was fastest of what was tried."""
    made = Celery("peer", broker=broker_url, set_as_current=False)
    made.conf.update(
        task_queues=[Queue(QUEUE, queue_arguments={"x-queue-type": queue_type})],
        task_default_queue=QUEUE,
        task_acks_late=acks_late,
        task_ignore_result=True,
        worker_prefetch_multiplier=prefetch,
        worker_disable_rate_limits=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )
    return made


app = celery(
    os.environ.get("PEER_BROKER_URL", "memory://"),
    os.environ.get("PEER_QUEUE_TYPE", "classic"),
    os.environ.get("PEER_ACKS_LATE", "0") == "1",
    int(os.environ.get("PEER_PREFETCH", "128")),
)


@frozen(kw_only=True)
class Shop:
    """What a worker process holds on to."""

    states: "Collection[Document]"
    vectors: Vectors

    def apply(self, event: Mapping[str, str]) -> None:
        """Add one event to its user. Raises VersionConflictError."""
        at = datetime.fromisoformat(event["occurred_at"]).timestamp()
        effect = DEFAULT_WEIGHTS[event["event_type"]] * self.vectors[event["product_id"]]  # type: ignore[index]
        state = self.states.find_one({"_id": event["user_id"]})
        if state is None:
            self._insert(_document(event["user_id"], effect, at, count=1, version=1))
            return
        stored = np.frombuffer(state["embedding"], dtype=np.float32) * state["norm"]
        newest = max(at, state["as_of"])
        vector = stored * _decay(newest - state["as_of"]) + effect * _decay(newest - at)
        version = state["version"]
        document = _document(event["user_id"], vector, newest, count=state["count"] + 1, version=version + 1)
        written = self.states.find_one_and_update(
            {"_id": event["user_id"], "version": version}, {"$set": document}, projection={"_id": 1}
        )
        if written is None:
            raise VersionConflictError

    def _insert(self, document: Document) -> None:
        try:
            self.states.insert_one(document)
        except DuplicateKeyError as error:
            raise VersionConflictError from error


@cache
def vectors() -> Vectors:
    """All product vectors: read once, before the pool is forked, and shared by its processes."""
    with MongoClient[Document](os.environ["PEER_MONGODB_URL"]) as client:
        products = client[os.environ["PEER_MONGODB_DATABASE"]]["product_embeddings"].find({}, {"embedding": 1})
        return {product["_id"]: np.frombuffer(product["embedding"], dtype=np.float32) for product in products}


@cache
def shop() -> Shop:
    """This process's shop, with a connection of its own."""
    client = MongoClient[Document](os.environ["PEER_MONGODB_URL"])
    return Shop(states=client[os.environ["PEER_MONGODB_DATABASE"]][EMBEDDINGS], vectors=vectors())


@worker_init.connect
def load(**_: Any) -> None:
    """Before the fork, so that no task waits for vectors."""
    vectors()


@worker_process_init.connect
def connect(**_: Any) -> None:
    """After the fork, because a connection must not be shared."""
    shop()


@app.task(name=TASK, autoretry_for=(VersionConflictError,), retry_backoff=True)  # type: ignore[untyped-decorator]
def apply_event(event: dict[str, str]) -> None:
    """The task."""
    shop().apply(event)


def _decay(seconds: float) -> float:
    return math.exp(-RATE_PER_SECOND * seconds)


def _document(user_id: str, vector: npt.NDArray[np.floating], as_of: float, count: int, version: int) -> Document:
    norm = float(np.linalg.norm(vector))
    return {
        "_id": user_id,
        "embedding": (vector / norm).astype(np.float32).tobytes(),
        "norm": norm,
        "as_of": as_of,
        "count": count,
        "version": version,
        "updated_at": time(),
    }
