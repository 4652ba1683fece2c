"""Whether requests can be served: one cheap question to each part that they need."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any

from application.beside import PATIENCE_SECONDS, AskTogether
from application.ports.examinable import Finding, Health
from application.ports.system import Clock
from domain.errors import PenchantError

KEPT_SECONDS = 1.0
"""For so long an answer is good enough: anybody may ask, and many cost the servers as much as one."""


class Readiness:
    """Asks each part something; what raises an error of ours or hangs is not ready.

    Those who ask at once share an answer.

    Parameters
    ----------
    questions : by the name of the part.
    """

    def __init__(
        self,
        questions: Mapping[str, Callable[[], object]],
        clock: Clock,
        kept_seconds: float = KEPT_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._parts = [*questions]
        self._ask = AskTogether(questions, patience_seconds)
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._lock = Lock()
        self._kept: tuple[float, Sequence[Finding]] | None = None

    def __call__(self) -> Sequence[Finding]:
        """A finding for each part."""
        with self._lock:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= self._kept_seconds:
                answers = self._ask()
                findings = [_finding(part, answers.get(part)) for part in self._parts]
                self._kept = (self._clock.monotonic(), findings)
            return self._kept[1]


def _finding(part: str, answer: "Future[Any] | None") -> Finding:
    if answer is None:
        return Finding(part=part, subject="answer", health=Health.FAILED, text="It does not answer in time.")
    try:
        answer.result()
    except PenchantError as error:
        return Finding(part=part, subject="answer", health=Health.FAILED, text=str(error))
    return Finding(part=part, subject="answer", health=Health.OK, text="It answers.")
