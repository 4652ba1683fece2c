"""Collecting: what the broker keeps among the dead moves to the dead letters, where it can be listed and retried."""

from collections.abc import Iterator, Sequence

from attrs import evolve

from application.ports.dead_letter_queue import DeadDelivery, DeadLetterQueue
from application.ports.dead_letters import DeadLetter, DeadLetters
from application.ports.system import Metrics
from domain.errors import ConfigurationError, TransientError

PAGE = 100
KEPT_BYTES = 65_536
"""How much is kept of a body that is too large for the dead letters."""


class CollectDeadLetters:
    """Moves dead letters; one may be kept twice in between, and is then one dead letter all the same."""

    def __init__(self, queue: DeadLetterQueue, dead_letters: DeadLetters, metrics: Metrics) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._unkept: Sequence[DeadDelivery] = ()

    def __call__(self, page: int = PAGE) -> int:
        """Collect all there are now; return how many. One whose body is too large to be kept keeps its beginning."""
        return sum(self.pieces(page))

    def pieces(self, page: int = PAGE) -> Iterator[int]:
        """The same, a page at a time: how many each had."""
        # First what could not be kept the last time: the broker takes it for handed over, and gives it to nobody else.
        while dead := self._unkept or self._queue.receive(page):
            self._unkept = dead
            self._keep([delivery.letter for delivery in dead])
            self._queue.forget([delivery.tag for delivery in dead])
            self._unkept = ()
            self._metrics.count("penchant_dead_letters_total", len(dead))
            yield len(dead)

    def _keep(self, letters: Sequence[DeadLetter]) -> None:
        try:
            self._dead_letters.add(letters)
        except (ConfigurationError, TransientError):
            raise
        except Exception:  # noqa: BLE001  # one letter that cannot be kept must not hold up all behind it for ever
            if len(letters) > 1:
                half = len(letters) // 2
                self._keep(letters[:half])
                self._keep(letters[half:])
            else:
                self._dead_letters.add([_cut(letters[0])])


def _cut(letter: DeadLetter) -> DeadLetter:
    size = len(letter.body)
    text = f"{letter.error_text} (Of its {size} bytes the first {KEPT_BYTES} are kept: the database takes no more.)"
    return evolve(letter, body=letter.body[:KEPT_BYTES], error_text=text)
