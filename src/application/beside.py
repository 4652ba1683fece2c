"""Work in a thread that nobody has to wait for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


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
