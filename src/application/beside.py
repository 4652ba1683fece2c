"""Work in threads that nobody has to wait for."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, Generic, TypeVar

PATIENCE_SECONDS = 2.0
"""How long a part is waited for that does not answer."""

Answer = TypeVar("Answer")
Part = TypeVar("Part")


def begin(question: Callable[[], Answer]) -> "Future[Answer]":
    """Ask in a thread that does not keep this process from ending."""
    answer: Future[Answer] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except Exception as error:  # noqa: BLE001  # raised again where the answer is looked at
            answer.set_exception(error)

    Thread(target=ask, name="beside", daemon=True).start()
    return answer


class AskTogether(Generic[Part]):
    """Asks all questions at the same time, and waits for none longer than `patience_seconds`.

    A part that hangs is asked again only when it has answered. To be used by one thread at a time.

    Parameters
    ----------
    questions : by the name of the part.
    """

    def __init__(self, questions: Mapping[Part, Callable[[], Any]], patience_seconds: float) -> None:
        self._questions = questions
        self._patience_seconds = patience_seconds
        self._asked: dict[Part, Future[Any]] = {}

    def __call__(self) -> "Mapping[Part, Future[Any]]":
        """What each part has answered, an error perhaps, in the order of the questions; without those that hang."""
        for part, question in self._questions.items():
            if part not in self._asked or self._asked[part].done():
                self._asked[part] = begin(question)
        wait(self._asked.values(), self._patience_seconds)
        return {part: answer for part, answer in self._asked.items() if answer.done()}
