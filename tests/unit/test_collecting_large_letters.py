from collections import deque
from collections.abc import Collection, Sequence

from attrs import define, field

from adapters.memory.dead_letters import MemoryDeadLetters
from adapters.memory.system import CountingMetrics
from application.collect_dead_letters import KEPT_BYTES, CollectDeadLetters
from application.ports.dead_letter_queue import DeadDelivery
from application.ports.dead_letters import DeadLetter, DeadLetterFilter
from domain.errors import PermanentError
from tests.builders import NOW


class SmallDeadLetters(MemoryDeadLetters):
    """Dead letters in a database that takes no statement with a large body."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        if any(len(letter.body) > 2 * KEPT_BYTES for letter in letters):
            raise PermanentError("The database takes no statement of this size.")
        super().add(letters)


@define(kw_only=True)
class Queue:
    """A dead letter queue that forgets what it is told to."""

    waiting: deque[DeadDelivery] = field(factory=deque)
    forgotten: list[int] = field(factory=list)

    def receive(self, limit: int) -> Sequence[DeadDelivery]:
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    def forget(self, tags: Collection[int]) -> None:
        self.forgotten += tags

    def close(self) -> None:
        """Nothing is open."""


def letter(message_id: str, body: bytes) -> DeadLetter:
    return DeadLetter(
        message_id=message_id,
        user_id=None,
        queue="q",
        body=body,
        error_type="InvalidValueError",
        error_text="it was too large",
        attempts=0,
        first_failed_at=NOW,
        last_failed_at=NOW,
    )


def test_a_body_that_the_dead_letters_cannot_take_is_cut_and_holds_up_no_other_letter() -> None:
    small, large = b"{}", b"x" * (3 * KEPT_BYTES)
    letters = [letter("m1", small), letter("m2", large), letter("m3", small)]
    queue = Queue(waiting=deque(DeadDelivery(letter=each, tag=tag) for tag, each in enumerate(letters)))
    kept = SmallDeadLetters()

    collected = CollectDeadLetters(queue, kept, CountingMetrics())()

    [cut] = kept.list(1, DeadLetterFilter(message_id="m2"))
    assert (collected, sorted(queue.forgotten), kept.count()) == (3, [0, 1, 2], 3)
    assert cut.body == large[:KEPT_BYTES]
    assert cut.error_text.startswith("it was too large (Of its 196608 bytes the first 65536 are kept")
    assert kept.list(1, DeadLetterFilter(message_id="m1")) == [letters[0]]
