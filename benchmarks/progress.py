"""How far a contestant is, read from its documents while it works."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from benchmarks import crew
from benchmarks.stack import Space

DEADLINE_SECONDS = 300.0

QUIET_SECONDS = 10.0
"""Longer than the longest pause before a retry: what has not come by then is lost."""

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

    def follow(self, until_quiet: bool) -> None:
        """Look until everything is applied or, `until_quiet`, until nothing has changed for long.

        Raises TimeoutError after DEADLINE_SECONDS.
        """
        start = crew.now()
        with closing(crew.Depth(self._space.stack.rabbitmq, self._space.rabbitmq_url, self._queue)) as depth:
            while depth.ready():
                time.sleep(SHORTEST_REST_SECONDS)
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
                elif until_quiet and self.applied and at - changed > QUIET_SECONDS:
                    break
                if at - start > DEADLINE_SECONDS:
                    raise TimeoutError(f"{self.applied} of {self._expected} applied after {DEADLINE_SECONDS:g} s")
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
