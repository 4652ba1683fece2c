"""Dead letters and the registry in dicts."""

from collections.abc import Collection, Sequence
from threading import Lock

from application.ports.dead_letters import DeadLetter


class MemoryDeadLetters:
    """Dead letters in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._letters: dict[tuple[str, str], DeadLetter] = {}

    def add(self, letters: Sequence[DeadLetter]) -> None:
        with self._lock:
            for letter in letters:
                self._letters[letter.queue, letter.message_id] = letter

    def among(self, message_ids: Collection[str]) -> Collection[str]:
        with self._lock:
            return {message_id for _, message_id in self._letters} & set(message_ids)

    def list(self, limit: int) -> Sequence[DeadLetter]:
        with self._lock:
            newest = sorted(self._letters.values(), key=lambda x: (x.last_failed_at, x.message_id), reverse=True)
            return newest[:limit]

    def remove(self, queue: str, message_ids: Collection[str]) -> None:
        with self._lock:
            for message_id in message_ids:
                self._letters.pop((queue, message_id), None)

    def count(self) -> int:
        return len(self._letters)
