"""Collecting: what the broker keeps among the dead moves to the dead letters, where it can be listed and retried."""

from application.ports.dead_letter_queue import DeadLetterQueue
from application.ports.dead_letters import DeadLetters
from application.ports.system import Metrics


class CollectDeadLetters:
    """Moves dead letters; one may be kept twice in between, and is then one dead letter all the same."""

    def __init__(self, queue: DeadLetterQueue, dead_letters: DeadLetters, metrics: Metrics) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._metrics = metrics

    def __call__(self, page: int = 100) -> int:
        """Collect all there are now; return how many."""
        collected = 0
        while dead := self._queue.receive(page):
            self._dead_letters.add([delivery.letter for delivery in dead])
            self._queue.forget([delivery.tag for delivery in dead])
            collected += len(dead)
        self._metrics.count("penchant_dead_letters_total", collected)
        return collected
