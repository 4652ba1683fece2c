"""Dead letters and the registry in dicts."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock

from application.ports.dead_letters import EVERY, DeadLetter, DeadLetterFilter


class MemoryDeadLetters:
    """Dead letters in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._letters: dict[tuple[str, str], DeadLetter] = {}

    def add(self, letters: Sequence[DeadLetter]) -> None:
        with self._lock:
            for letter in letters:
                self._letters[letter.queue, letter.message_id] = letter

    def among(self, message_ids: Collection[str], queues: Collection[str]) -> Collection[str]:
        with self._lock:
            return {message_id for queue, message_id in self._letters if queue in queues} & set(message_ids)

    def list(self, limit: int, matching: DeadLetterFilter = EVERY) -> Sequence[DeadLetter]:
        return sorted(self._matching(matching), key=lambda x: (x.last_failed_at, x.message_id), reverse=True)[:limit]

    def pages(self, matching: DeadLetterFilter, page: int) -> Iterator[Sequence[DeadLetter]]:
        letters = self._matching(matching)
        return (letters[start : start + page] for start in range(0, len(letters), page))

    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        with self._lock:
            for message_id in message_ids:
                self._letters.pop((queue, message_id), None)

    def purge(self, matching: DeadLetterFilter) -> int:
        with self._lock:
            purged = [key for key, letter in self._letters.items() if _matches(letter, matching)]
            for key in purged:
                del self._letters[key]
            return len(purged)

    def count(self, matching: DeadLetterFilter = EVERY) -> int:
        return len(self._matching(matching))

    def counts(self) -> Mapping[str, int]:
        return Counter(letter.queue for letter in self._matching(EVERY))

    def _matching(self, matching: DeadLetterFilter) -> Sequence[DeadLetter]:
        with self._lock:
            return [letter for letter in self._letters.values() if _matches(letter, matching)]


def _matches(letter: DeadLetter, matching: DeadLetterFilter) -> bool:
    return (
        matching.message_id in (None, letter.message_id)
        and matching.queue in (None, letter.queue)
        and matching.user_id in (None, letter.user_id)
        and matching.error_type in (None, letter.error_type)
        and (matching.failed_before is None or letter.last_failed_at < matching.failed_before)
    )
