"""Whether requests can be served: one cheap question to each part that they need."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from types import MappingProxyType
from typing import Any

from application.beside import PATIENCE_SECONDS, AskTogether
from application.ports.examinable import Finding, Health
from application.ports.system import Clock
from domain.errors import PenchantError

KEPT_SECONDS = 1.0
"""For so long an answer is good enough: anybody may ask, and many cost the servers as much as one."""
BESIDE_PATIENCE_SECONDS = 0.1
"""How long a part is waited for that no request needs: whoever probes must not give up for its sake."""

NO_PARTS: Mapping[str, Callable[[], object]] = MappingProxyType({})


class Readiness:
    """Asks each part something; what raises an error of ours or hangs is not ready.

    Those who ask at once share an answer.

    Parameters
    ----------
    questions : by the name of the part.
    beside : those of parts that no request needs. They are at worst a warning.
    """

    def __init__(
        self,
        questions: Mapping[str, Callable[[], object]],
        clock: Clock,
        *,
        beside: Mapping[str, Callable[[], object]] = NO_PARTS,
        kept_seconds: float = KEPT_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._worst = dict.fromkeys(questions, Health.FAILED) | dict.fromkeys(beside, Health.WARNING)
        self._ask = AskTogether(questions, patience_seconds)
        self._ask_beside = AskTogether(beside, BESIDE_PATIENCE_SECONDS)
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._lock = Lock()
        self._kept: tuple[float, Sequence[Finding]] | None = None

    def __call__(self) -> Sequence[Finding]:
        """A finding for each part."""
        with self._lock:
            if self._kept is None or self._clock.monotonic() - self._kept[0] >= self._kept_seconds:
                answers = {**self._ask(), **self._ask_beside()}
                findings = [_finding(part, worst, answers.get(part)) for part, worst in self._worst.items()]
                self._kept = (self._clock.monotonic(), findings)
            return self._kept[1]


def _finding(part: str, worst: Health, answer: "Future[Any] | None") -> Finding:
    if answer is None:
        return Finding(part=part, subject="answer", health=worst, text="It does not answer in time.")
    try:
        answer.result()
    except PenchantError as error:
        return Finding(part=part, subject="answer", health=worst, text=str(error))
    return Finding(part=part, subject="answer", health=Health.OK, text="It answers.")
