"""How far a contestant is, read from its documents while it works."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from benchmarks import crew
from benchmarks.stack import Space

QUIET_SECONDS = 20.0
"""Longer than any pause before a retry that was seen: what has not come by then is lost."""

REST = 4
"""A look is followed by a pause so many times as long, so that looking takes little from those who work."""

SHORTEST_REST_SECONDS = 0.01


class Progress:
    """Looks at the documents of a contestant once its queue is empty; before that, only at the queue."""

    def __init__(
        self, space: Space, queue: str, collection: str, applied: Callable[[Mapping[str, Any]], int], expected: int
    ) -> None:
        self._space = space
        self._queue = queue
        self._collection = collection
        self._applied = applied
        self._expected = expected
        self.applied = 0
        self.last = self.most = 0.0
        """When the last event was seen applied, and when 99 % of all."""

    def follow(self) -> None:
        """Look until everything is applied, or nothing has changed for QUIET_SECONDS."""
        with closing(crew.Depth(self._space.stack.rabbitmq, self._space.rabbitmq_url, self._queue)) as depth:
            left, changed = depth.ready(), crew.now()
            while left and crew.now() - changed < QUIET_SECONDS:
                time.sleep(SHORTEST_REST_SECONDS)
                before, left = left, depth.ready()
                changed = crew.now() if left != before else changed
        with self._space.stack.mongodb.connect() as client:
            documents = client[self._space.mongodb.database][self._collection]
            changed = crew.now()
            while self.applied < self._expected:
                began = crew.now()
                applied = sum(self._applied(document) for document in documents.find({}, FIELDS))
                at = crew.now()
                if applied != self.applied:
                    self.applied, self.last, changed = applied, at, at
                    if not self.most and applied >= 0.99 * self._expected:
                        self.most = at
                elif at - changed > QUIET_SECONDS:
                    break
                time.sleep(max(SHORTEST_REST_SECONDS, REST * (at - began)))
        if not self.most:
            self.most = self.last


FIELDS = {"position": 1, "missing": 1, "count": 1}


def applied_by_penchant(document: Mapping[str, Any]) -> int:
    """Events that a document of Penchant's says it has applied."""
    return int(document["position"] - sum(last - first + 1 for first, last in document["missing"]))


def applied_by_celery(document: Mapping[str, Any]) -> int:
    """The same for a document of Celery's."""
    return int(document["count"])
