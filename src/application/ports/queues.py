"""The queues of the broker, as those who run it look at them."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

WORK_QUEUE = "user_embedding_updates"
"""What workers take from, by the name that other systems know; the names of its retry queues begin with it."""

WORK_QUEUES = (WORK_QUEUE, "user_embedding_updates.purchases", "failed")
"""All queues in which an event can die on its way to the embeddings."""

GRAPH_QUEUE = "events.neo4j"
"""What the consumer of the interaction graph takes from, and where an event can die on its way there."""

INDEX_QUEUE = "events.qdrant"
"""The same of the vector index."""


@frozen(kw_only=True)
class QueueState:
    """A queue: the messages that wait in it and that no consumer holds, and how many consumers there are.

    `consumers` is None where the broker does not know.
    """

    messages: int
    consumers: int | None


class Queues(Protocol):
    """All queues that Penchant uses."""

    def states(self) -> Mapping[str, QueueState] | None:
        """Each queue that is there, by its name; None where no broker is configured.

        Raises
        ------
        UnavailableError : the broker is out of reach.
        NotSetUpError : it has no work queue.
        """
