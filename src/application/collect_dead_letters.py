"""Collecting: what the broker keeps among the dead moves to the dead letters, where it can be listed and retried."""

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve

from application.ports.dead_letter_queue import DeadDelivery, DeadLetterQueue
from application.ports.dead_letters import DeadLetter, DeadLetters
from application.ports.system import Journal, Metrics
from domain.errors import (
    ConfigurationError,
    ConflictError,
    PermanentError,
    RetractionRefusedError,
    StorageFullError,
    TargetMissingError,
    TransientError,
    UnavailableError,
    UnexpectedError,
)

PAGE = 100
KEPT_BYTES = 65_536
"""How much is kept of a body that is too large for the dead letters."""

TOLD_AT_ONCE = 20
"""Letters of a page that are told one by one."""

_QUOTE_NO_INPUT = frozenset(
    kind.__name__
    for kind in (
        ConflictError,
        PermanentError,
        RetractionRefusedError,
        StorageFullError,
        TargetMissingError,
        TransientError,
        UnavailableError,
        UnexpectedError,
    )
)
"""Kinds of errors whose text may be told. An InvalidValueError quotes what was sent, which may be a phrase in the wrong
place; what others write is theirs."""

Listener = Callable[[Sequence[DeadLetter]], None]


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

    def pieces(self, page: int = PAGE, on_kept: Listener = lambda _: None) -> Iterator[int]:
        """The same, a page at a time: how many each had. `on_kept` gets the letters of each page."""
        # First what could not be kept the last time: the broker takes it for handed over, and gives it to nobody else.
        while dead := self._unkept or self._queue.receive(page):
            self._unkept = dead
            self._keep([delivery.letter for delivery in dead])
            self._queue.forget([delivery.tag for delivery in dead])
            self._unkept = ()
            self._metrics.count("penchant_dead_letters_collected_total", len(dead))
            on_kept([delivery.letter for delivery in dead])
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


def told_in(journal: Journal) -> Listener:
    """Tells operators of letters that were collected, the first of each page, without quoting what was sent."""

    def tell(letters: Sequence[DeadLetter]) -> None:
        for letter in letters[:TOLD_AT_ONCE]:
            reason = letter.error_type
            if letter.error_type in _QUOTE_NO_INPUT:
                reason += f": {letter.error_text}"
            journal.warning(
                "dead_letter_collected",
                f"An event was given up: {reason}",
                message_id=letter.message_id,
                user_id=letter.user_id,
                queue=letter.queue,
                error_type=letter.error_type,
                retry_count=letter.attempts,
            )

    return tell


def _cut(letter: DeadLetter) -> DeadLetter:
    size = len(letter.body)
    text = f"{letter.error_text} (Of its {size} bytes the first {KEPT_BYTES} are kept: the database takes no more.)"
    return evolve(letter, body=letter.body[:KEPT_BYTES], error_text=text)
